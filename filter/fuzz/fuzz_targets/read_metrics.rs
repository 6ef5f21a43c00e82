//! The reader of Prometheus' text, which `portolan status` hands the answer of any address that it
//! is given.
//!
//! Whatever it accepts must be printed and read back as the same samples, and it takes all of a
//! line or nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The command line is no library. The file stands alone, so that it can be read here.
#[path = "../../../cli/src/status/exposition.rs"]
mod exposition;

use exposition::{Sample, read};

fuzz_target!(|text: &str| {
    let lines = text.lines().map(|line| line.trim_matches([' ', '\t']));
    let count = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    match read(text, |_| true) {
        Ok(samples) => {
            assert_eq!(samples.len(), count, "a sample for each line");
            assert_eq!(read(text, |_| false), Ok(Vec::new()), "what nobody wants is read as well");
            samples.iter().for_each(check);
        }
        Err(fault) => {
            assert!(fault.line >= 1 && fault.line <= text.lines().count());
            assert_eq!(read(text, |_| false), Err(fault), "it is wrong for everybody");
        }
    }
});

fn check(sample: &Sample) {
    let is_name = |name: &str, more: &str| {
        let is_part = |one: char| one.is_ascii_alphanumeric() || one == '_' || more.contains(one);
        name.starts_with(|one: char| is_part(one) && !one.is_ascii_digit()) && name.chars().all(is_part)
    };
    assert!(is_name(&sample.name, ":"), "{sample:?}");
    assert!(sample.labels.iter().all(|(name, _)| is_name(name, "")), "{sample:?}");
    let again = read(&print(sample), |_| true).expect("what is printed can be read");
    let [again] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!((&again.name, &again.labels), (&sample.name, &sample.labels));
    let is_same = again.value.to_bits() == sample.value.to_bits();
    assert!(is_same || again.value.is_nan() && sample.value.is_nan(), "{sample:?}");
}

fn print(sample: &Sample) -> String {
    let escaped =
        |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels = sample.labels.iter();
    let labels: Vec<String> =
        labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{}{{{}}} {}\n", sample.name, labels.join(","), sample.value)
}
