//! The published formats end to end, on excerpts of the real files.

use super::*;
use saphyr::{LoadableYamlNode, Yaml};

const AWS: &str = include_str!("../../../geoip-data/networks/aws-excerpt.json");
const GCP: &str = include_str!("../../../geoip-data/networks/gcp-excerpt.json");

#[test]
fn the_aws_excerpt() {
    assert_eq!(convert(Provider::Aws, AWS).unwrap(), include_str!("expected/aws.yaml"));
}

#[test]
fn the_gcp_excerpt() {
    assert_eq!(convert(Provider::Gcp, GCP).unwrap(), include_str!("expected/gcp.yaml"));
}

/// The labels and prefixes of a document, as a YAML reader sees them.
fn read_back(document: &str) -> BTreeMap<String, Vec<String>> {
    let documents = Yaml::load_from_str(document).unwrap();
    let text = |node: &Yaml<'_>| node.as_str().unwrap().to_owned();
    let sections = documents[0]["networks"].as_mapping().unwrap();
    (sections.iter())
        .map(|(label, prefixes)| {
            let prefixes = prefixes.as_sequence().unwrap();
            (text(label), prefixes.iter().map(text).collect())
        })
        .collect()
}

#[test]
fn a_yaml_reader_sees_labels_and_prefixes() {
    for (provider, json) in [(Provider::Aws, AWS), (Provider::Gcp, GCP)] {
        let sections = read_back(&convert(provider, json).unwrap());
        assert!(sections.len() > 3, "{provider:?}");
        for prefix in sections.values().flatten() {
            assert!(prefix.parse::<ipnet::IpNet>().is_ok(), "{prefix}");
        }
    }
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let mut file: Value = serde_json::from_str(AWS).unwrap();
    for array in ["prefixes", "ipv6_prefixes"] {
        file[array].as_array_mut().unwrap().reverse();
    }
    let backwards = convert(Provider::Aws, &file.to_string());
    assert_eq!(backwards, convert(Provider::Aws, AWS));
}

/// A file of AWS with these entries of IPv4, each a prefix and a region, and one of IPv6.
fn aws(entries: &[(&str, &str)]) -> String {
    let entries: Vec<_> = (entries.iter())
        .map(|(prefix, region)| serde_json::json!({"ip_prefix": prefix, "region": region}))
        .collect();
    serde_json::json!({
        "syncToken": "1", "createDate": "2026-01-02",
        "prefixes": entries,
        "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "eu-west-1"}],
    })
    .to_string()
}

#[test]
fn a_region_beats_everywhere_whichever_comes_first() {
    for entries in [
        [("192.0.2.0/24", "GLOBAL"), ("192.0.2.0/24", "eu-west-1")],
        [("192.0.2.0/24", "eu-west-1"), ("192.0.2.0/24", "GLOBAL")],
    ] {
        let sections = read_back(&convert(Provider::Aws, &aws(&entries)).unwrap());
        assert_eq!(sections["aws:eu-west-1"], ["192.0.2.0/24", "2001:db8::/32"]);
        assert!(!sections.contains_key("aws:global"));
    }
}

#[test]
fn a_part_of_a_global_block_keeps_its_region() {
    let entries = [("192.0.2.0/24", "GLOBAL"), ("192.0.2.128/25", "sa-east-1")];
    let sections = read_back(&convert(Provider::Aws, &aws(&entries)).unwrap());
    assert_eq!(sections["aws:global"], ["192.0.2.0/24"]);
    assert_eq!(sections["aws:sa-east-1"], ["192.0.2.128/25"]);
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let good = ("192.0.2.0/24", "eu-west-1");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "prefixes: is empty"),
        (&[good, ("192.0.2.0/33", "x")], "prefixes[1].ip_prefix: \"192.0.2.0/33\" is not"),
        (&[good, ("192.0.2.0", "x")], "prefixes[1].ip_prefix: \"192.0.2.0\" is not"),
        (&[("192.0.2.1/24", "x")], "prefixes[0].ip_prefix: \"192.0.2.1/24\" is not"),
        (&[("2001:db8::/32", "x")], "prefixes[0].ip_prefix: \"2001:db8::/32\" is not an IPv4"),
        (&[good, ("198.51.100.0/24", "")], "prefixes[1].region: \"\" is not a region"),
        (&[good, ("198.51.100.0/24", "a\nb")], "prefixes[1].region: \"a\\nb\" is not"),
        (
            &[good, ("192.0.2.0/24", "sa-east-1")],
            "prefixes[1]: 192.0.2.0/24 is in aws:eu-west-1 and in aws:sa-east-1",
        ),
    ];
    for (entries, expected) in cases {
        let error = convert(Provider::Aws, &aws(entries)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn files_of_something_else_are_refused() {
    let cases = [
        (Provider::Aws, "<html>", "this is not JSON"),
        (Provider::Aws, "[]", "ipv6_prefixes: is missing"),
        (Provider::Aws, GCP, "createDate: is missing"),
        (Provider::Gcp, AWS, "prefixes[0]: has not exactly one of"),
        (Provider::Gcp, r#"{"prefixes": [7]}"#, "prefixes[0]: has not exactly one of"),
        (
            Provider::Gcp,
            r#"{"prefixes": [{"ipv6Prefix": 7, "scope": "x"}]}"#,
            "prefixes[0].ipv6Prefix: is missing or not a string",
        ),
        (
            Provider::Gcp,
            r#"{"prefixes": [{"ipv6Prefix": "2001:db8::/32"}]}"#,
            "prefixes[0].scope: is missing",
        ),
        (
            Provider::Gcp,
            r#"{"creationTime": "a\nnetworks: {}"}"#,
            "creationTime: is missing or not",
        ),
    ];
    for (provider, json, expected) in cases {
        let error = convert(provider, json).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains(provider.source()), "{error}");
    }
}

#[test]
fn nothing_is_written_unless_the_whole_file_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ranges.json");
    let mut out = Vec::new();
    let missing = run(Provider::Aws, &path, &mut out).unwrap_err();
    assert!(missing.contains("ranges.json"), "{missing}");
    std::fs::write(&path, aws(&[("192.0.2.0/24", "x"), ("?", "x")])).unwrap();
    let wrong = run(Provider::Aws, &path, &mut out).unwrap_err();
    assert!(wrong.contains("ranges.json") && wrong.contains("prefixes[1]"), "{wrong}");
    assert!(out.is_empty());
    std::fs::write(&path, AWS).unwrap();
    run(Provider::Aws, &path, &mut out).unwrap();
    assert_eq!(out, convert(Provider::Aws, AWS).unwrap().as_bytes());
}
