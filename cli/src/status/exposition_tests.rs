//! What is read of Prometheus' text, and what is not.

use proptest::prelude::*;

use super::exposition::{Sample, Unreadable, read};

fn of(name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sample { name: name.to_owned(), labels: labels.collect(), value }
}

#[test]
fn lines() {
    #[rustfmt::skip]
    let rows = [
        ("a 1", Some(of("a", &[], 1.0)), "no labels"),
        ("a{} 1", Some(of("a", &[], 1.0)), "none between the braces"),
        (r#"a{b="c"} 1"#, Some(of("a", &[("b", "c")], 1.0)), "one"),
        (r#"a{b="c",d="e"} 1.5e3"#, Some(of("a", &[("b", "c"), ("d", "e")], 1500.0)), "two"),
        (r#"a{b="c",} 1"#, Some(of("a", &[("b", "c")], 1.0)), "a comma behind the last, as the format allows"),
        ("\ta { b = \"c\" , d = \"e\" }\t1 ", Some(of("a", &[("b", "c"), ("d", "e")], 1.0)), "blanks"),
        (r#"a:b_total{le="+Inf"} +Inf 1700000000000"#, Some(of("a:b_total", &[("le", "+Inf")], f64::INFINITY)), "a time"),
        (r#"a{b="} 2 \"\\\n{,="} -4"#, Some(of("a", &[("b", "} 2 \"\\\n{,=")], -4.0)), "what looks like the end is none"),
        (r#"a{b="ü"} 0"#, Some(of("a", &[("b", "ü")], 0.0)), "values are UTF-8"),
        ("1a 1", None, "a digit first"),
        ("{} 1", None, "no name"),
        ("a", None, "no number"),
        ("a x", None, "a word for a number"),
        ("a 1 x", None, "a word for a time"),
        ("a 1 2 3", None, "too much"),
        (r#"a{b="c" 1"#, None, "no brace at the end"),
        (r#"a{b="c"d="e"} 1"#, None, "no comma"),
        (r"a{,} 1", None, "a comma alone"),
        (r"a{b=c} 1", None, "no quotes"),
        (r#"a{b:c="d"} 1"#, None, "a colon in the name of a label"),
        (r#"a{b="c\t"} 1"#, None, "an escape that there is not"),
        (r#"a{b="c\"} 1"#, None, "a quote without an end"),
    ];
    for (line, wanted, reason) in rows {
        let found = read(line, |_| true).ok();
        assert_eq!(found, wanted.map(|sample| vec![sample]), "{line}: {reason}");
    }
}

#[test]
fn not_a_number_is_a_value() {
    let samples = read("a NaN\nb nan\n", |_| true).unwrap();
    assert!(samples.iter().all(|sample| sample.value.is_nan()) && samples.len() == 2);
}

#[test]
fn a_scrape_as_envoy_writes_it() {
    let text = "# TYPE envoy_cluster_membership_healthy gauge\n\
                envoy_cluster_membership_healthy{envoy_cluster_name=\"east\"} 1\n\
                \n\
                # TYPE other counter\n\
                other 7\n";
    let wanted = of("envoy_cluster_membership_healthy", &[("envoy_cluster_name", "east")], 1.0);
    assert_eq!(read(text, |name| name.starts_with("envoy_")), Ok(vec![wanted]));
    let broken = format!("{text}other{{a=\"b");
    let fault = read(&broken, |name| name.starts_with("envoy_")).unwrap_err();
    assert_eq!(
        fault,
        Unreadable { line: 6, why: "the value of a label is not quoted" },
        "what nobody wants must be right as well"
    );
    let said = "line 6 is not in Prometheus' text format: the value of a label is not quoted";
    assert_eq!(fault.to_string(), said);
}

fn printed(sample: &Sample) -> String {
    let escaped = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    let labels = sample.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    let labels: Vec<String> = labels.collect();
    format!("{}{{{}}} {}\n", sample.name, labels.join(","), sample.value)
}

proptest! {
    #[test]
    fn what_is_printed_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,9}",
        labels in prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,5}", "[^\r]{0,9}"), 0..4),
        value in any::<f64>().prop_filter("it equals itself", |value| !value.is_nan()),
    ) {
        let sample = Sample { name, labels, value };
        prop_assert_eq!(read(&printed(&sample), |_| true), Ok(vec![sample]));
    }

    #[test]
    fn nothing_makes_it_panic(text in ".{0,80}") {
        let _ = read(&text, |_| true);
    }
}
