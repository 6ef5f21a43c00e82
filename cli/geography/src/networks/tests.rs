//! The published formats end to end, on excerpts of the real files.

use super::*;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use std::path::Path;

const AWS: &str = include_str!("../../../../geoip-data/networks/aws-excerpt.json");
const GCP: &str = include_str!("../../../../geoip-data/networks/gcp-excerpt.json");
const AZURE: &str = include_str!("../../../../geoip-data/networks/azure-shape.json");
const ORACLE: &str = include_str!("../../../../geoip-data/networks/oracle-shape.json");
const CLOUDFLARE: &str = include_str!("../../../../geoip-data/networks/cloudflare-shape.json");
const CLOUDFLARE_LINES: &str =
    include_str!("../../../../geoip-data/networks/cloudflare-ips-v4.txt");
const FASTLY: &str = include_str!("../../../../geoip-data/networks/fastly-shape.json");

/// As it is typed without options.
fn convert(provider: Provider, text: &str) -> Result<String, String> {
    super::convert(provider, text, None, false)
}

/// With a day, for files that have none.
fn of_a_day(provider: Provider, text: &str, services: bool) -> BTreeMap<String, Vec<String>> {
    let day = provider.date_field().is_none().then(|| "2026-07-27".to_owned());
    read_back(&super::convert(provider, text, day, services).unwrap())
}

/// A label, and its prefixes.
type Label = (&'static str, &'static [&'static str]);

#[test]
fn every_provider_has_its_own_labels() {
    let own = aws(&[("192.0.2.0/24", "eu-west-1")]);
    #[rustfmt::skip] // one row a case
    let rows: [(Provider, &str, bool, &[Label]); 9] = [
        (Provider::Azure, AZURE, false, &[
            ("azure:chinaeast2", &["40.73.64.0/18", "2406:e500:4000::/40"]),
            ("azure:global", &["13.73.248.16/29", "2603:1030:40c:1::480/124"]),
            ("azure:westeurope", &["13.69.0.0/16", "20.38.108.0/23", "20.60.26.0/23", "2603:1020:206:1::/122"]),
        ]),
        (Provider::Azure, AZURE, true, &[
            ("azure:chinaeast2", &["40.73.64.0/18", "2406:e500:4000::/40"]),
            ("azure:global:azurefrontdoor", &["13.73.248.16/29", "2603:1030:40c:1::480/124"]),
            ("azure:westeurope", &["13.69.0.0/16"]),
            ("azure:westeurope:storage", &["20.38.108.0/23", "20.60.26.0/23", "2603:1020:206:1::/122"]),
        ]),
        (Provider::Oracle, ORACLE, false, &[
            ("oracle:eu-frankfurt-1", &["130.61.0.0/16", "134.70.40.0/21", "140.91.16.0/22"]),
            ("oracle:us-phoenix-1", &["129.146.0.0/20", "134.70.8.0/21"]),
        ]),
        (Provider::Oracle, ORACLE, true, &[
            ("oracle:eu-frankfurt-1", &["130.61.0.0/16", "140.91.16.0/22"]),
            ("oracle:eu-frankfurt-1:object_storage", &["134.70.40.0/21"]),
            ("oracle:us-phoenix-1", &["129.146.0.0/20"]),
            ("oracle:us-phoenix-1:object_storage", &["134.70.8.0/21"]),
        ]),
        (Provider::Cloudflare, CLOUDFLARE, false, &[("cloudflare", &["103.21.244.0/22", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "173.245.48.0/20", "2400:cb00::/32", "2606:4700::/32"])]),
        (Provider::Cloudflare, CLOUDFLARE_LINES, true, &[("cloudflare", &["103.21.244.0/22", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "173.245.48.0/20"])]),
        (Provider::Fastly, FASTLY, false, &[("fastly", &["23.235.32.0/20", "43.249.72.0/22", "151.101.0.0/16", "199.232.0.0/16", "2a04:4e40::/32", "2a04:4e42::/32"])]),
        (Provider::Aws, &own, true, &[("aws:eu-west-1", &["192.0.2.0/24", "2001:db8::/32"])]),
        (Provider::Gcp, r#"{"syncToken": "1", "creationTime": "2026-07-29T07:05:53.849365", "prefixes": [{"ipv4Prefix": "192.0.2.0/24", "service": "Google Cloud", "scope": "us-east1"}]}"#, true, &[("gcp:us-east1", &["192.0.2.0/24"])]),
    ];
    for (provider, text, services, expected) in rows {
        let found = of_a_day(provider, text, services);
        let expected: BTreeMap<String, Vec<String>> = expected
            .iter()
            .map(|(label, prefixes)| {
                ((*label).to_owned(), prefixes.iter().map(ToString::to_string).collect())
            })
            .collect();
        assert_eq!(found, expected, "{provider:?}, services {services}");
    }
}

#[test]
fn services_of_aws_share_prefixes() {
    let found = of_a_day(Provider::Aws, AWS, true);
    let labels: Vec<&str> = found.keys().map(String::as_str).collect();
    assert!(labels.iter().any(|label| label.contains(":ec2")), "{labels:?}");
    let without = of_a_day(Provider::Aws, AWS, false);
    let plain = |label: &String| label.split(':').take(2).collect::<Vec<_>>().join(":");
    let regions: BTreeSet<String> = found.keys().map(plain).collect();
    assert_eq!(regions, without.keys().cloned().collect(), "the services divide what was there");
}

#[test]
fn a_document_says_its_day() {
    let day = |provider, text, told: Option<&str>| {
        super::convert(provider, text, told.map(str::to_owned), false)
    };
    let rows = [
        (day(Provider::Aws, AWS, None), "aws: \"2026-07-29\""),
        (day(Provider::Gcp, GCP, None), "gcp: \"2026-07-29\""),
        (day(Provider::Oracle, ORACLE, None), "oracle: \"2026-06-16\""),
        (day(Provider::Azure, AZURE, Some("2026-07-27")), "azure: \"2026-07-27\""),
        (day(Provider::Fastly, FASTLY, Some("2026-07-27")), "fastly: \"2026-07-27\""),
    ];
    for (document, expected) in rows {
        let document = document.unwrap();
        assert!(document.contains(&format!("published:\n  {expected}\n")), "{document}");
    }
    for (provider, text) in
        [(Provider::Azure, AZURE), (Provider::Cloudflare, CLOUDFLARE), (Provider::Fastly, FASTLY)]
    {
        let refused = day(provider, text, None).unwrap_err();
        assert!(refused.contains("add --date YYYY-MM-DD"), "{refused}");
    }
    let name = |name: &str| Provider::Azure.day_of_name(Path::new(name));
    assert_eq!(name("a/ServiceTags_Public_20260727.json").as_deref(), Some("2026-07-27"));
    assert_eq!(name("tags.json"), None);
    assert_eq!(Provider::Fastly.day_of_name(Path::new("x_20260727.json")), None);
}

#[test]
fn every_label_begins_with_its_provider() {
    for provider in Provider::ALL {
        let text = match provider {
            Provider::Aws => AWS,
            Provider::Gcp => GCP,
            Provider::Azure => AZURE,
            Provider::Oracle => ORACLE,
            Provider::Cloudflare => CLOUDFLARE,
            Provider::Fastly => FASTLY,
        };
        let networks = published(provider, text).unwrap();
        let is_own = |label: &String| label.split(':').next() == Some(provider.name());
        assert!(!networks.is_empty() && networks.values().all(is_own), "{provider:?}");
    }
}

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
            assert!(prefix.parse::<IpNet>().is_ok(), "{prefix}");
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
fn mistakes_in_lists_of_networks_have_their_paths() {
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
    let of = |path: &Path| ImportArgs {
        provider: Provider::Aws,
        file: path.to_owned(),
        services: false,
        date: None,
    };
    let missing = run(&of(&path), &mut out).unwrap_err();
    assert!(missing.contains("ranges.json"), "{missing}");
    std::fs::write(&path, aws(&[("192.0.2.0/24", "x"), ("?", "x")])).unwrap();
    let wrong = run(&of(&path), &mut out).unwrap_err();
    assert!(wrong.contains("ranges.json") && wrong.contains("prefixes[1]"), "{wrong}");
    assert!(out.is_empty());
    std::fs::write(&path, AWS).unwrap();
    run(&of(&path), &mut out).unwrap();
    assert_eq!(out, convert(Provider::Aws, AWS).unwrap().as_bytes());
}
