//! Labels of networks: which region has each, and where else they may stand.

use crate::client::{ClientFacts, locate};
use crate::config::ids::LabelId;
use crate::config::{Config, Mistake, Readers};

fn mistakes(json: &str) -> Vec<String> {
    let found: Vec<Mistake> = Config::from_json(json.as_bytes()).unwrap_err();
    found.iter().map(ToString::to_string).collect()
}

fn policy(cn: &str, eu: &str, proxies: &str, readers: &str) -> String {
    format!(
        r#"{{"version": 1, "fronts": {{"m": {{"hosts": ["r.example"]}}}},
        "backends": {{"a": {{"url": "https://a.example", "auth": "token", "credential": "c"}}}},
        "credentials": {{"c": {{"file": "/c"}}}},
        "networks": {{"aws:eu-west-1": ["3.0.0.0/16"], "aws:eu-west-2": ["3.1.0.0/16"], "aws:us-east-1": ["3.2.0.0/16"],
                      "cloudflare": ["192.0.2.0/24", "2001:db8::/32"]}},
        "regions": {{"cn": {{{cn}}}, "eu": {{{eu}}}, "default": {{}}}},
        "clients": {{"trusted_proxies": [{proxies}]}},
        "rules": [{{"name": "r", "repositories": ["x/**"], "chains": {{"default": ["a"]}}, "readers": {{"networks": [{readers}]}}}}]}}"#
    )
}

const READERS: &str = r#""cloudflare""#;

/// The regions of an address of each of the three networks of AWS.
fn regions(cn: &str, eu: &str) -> Result<Vec<String>, Vec<String>> {
    let json = policy(cn, eu, "", READERS);
    let told = |found: Vec<Mistake>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let config = Config::from_json(json.as_bytes()).map_err(told)?;
    let place = |address: &[u8]| {
        let facts = ClientFacts { address: Some(address), ..ClientFacts::default() };
        config.regions().name(locate(config.regions(), &facts).region).to_owned()
    };
    Ok([&b"3.0.0.1"[..], b"3.1.0.1", b"3.2.0.1"].map(place).to_vec())
}

#[test]
fn the_most_specific_pattern_has_the_label() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, Result<[&str; 3], &str>, &str)] = &[
        (r#""labels": ["aws:*"]"#, r#""labels": ["aws:eu-*"]"#, Ok(["eu", "eu", "cn"]), "a longer start"),
        (r#""labels": ["aws:eu-*"]"#, r#""labels": ["aws:*"]"#, Ok(["cn", "cn", "eu"]), "in any order"),
        (r#""labels": ["aws:eu-*"]"#, r#""labels": ["aws:eu-west-1"]"#, Ok(["eu", "cn", "default"]), "the label itself"),
        (r#""labels": ["aws:eu-west-1*"]"#, r#""labels": ["aws:eu-west-1"]"#, Ok(["eu", "default", "default"]), "and before a start as long"),
        (r#""labels": ["*"]"#, r#""labels": ["aws:us-*"]"#, Ok(["cn", "cn", "eu"]), "every label"),
        (r#""labels": ["aws:eu-*"]"#, r#""labels": ["aws:eu-*"]"#, Err("regions.eu.labels[0]: the label `aws:eu-*` already belongs to `cn`"), "the same twice, told once"),
        (r#""networks": ["3.0.0.0/16"]"#, r#""labels": ["aws:eu-*"]"#, Err("networks[\"aws:eu-west-1\"][0]: the prefix `3.0.0.0/16` stands in `networks` of the region `cn` too"), "one prefix, two regions"),
        (r#""networks": ["3.0.0.0/17"]"#, r#""labels": ["aws:eu-*"]"#, Ok(["cn", "eu", "default"]), "the longest prefix decides"),
        (r#""networks": ["3.0.0.0/16"]"#, r#""labels": ["aws:us-*"]"#, Ok(["cn", "default", "eu"]), "the label is nobody's"),
        (r#""networks": ["3.0.0.0/16"], "labels": ["aws:eu-*"]"#, "", Ok(["cn", "cn", "default"]), "the same region"),
    ];
    for (cn, eu, expected, reason) in rows {
        match (regions(cn, eu), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
            (Err(found), Err(start)) => {
                assert!(found.len() == 1 && found[0].starts_with(start), "{reason}: {found:#?}");
            }
            (found, expected) => panic!("{reason}: {found:#?} is not {expected:?}"),
        }
    }
}

#[test]
fn trusted_proxies_and_readers_take_labels() {
    let config = policy("", "", r#""cloudflare", "10.0.0.0/8", "aws:eu-*""#, r#""aws:eu-*""#);
    let config = Config::from_json(config.as_bytes()).unwrap();
    let proxies: Vec<String> =
        config.clients().trusted_proxies().iter().map(ToString::to_string).collect();
    assert_eq!(
        proxies,
        ["192.0.2.0/24", "2001:db8::/32", "10.0.0.0/8", "3.0.0.0/16", "3.1.0.0/16"]
    );
    assert!(config.regions().trusted_proxies().contains("192.0.2.1".parse().unwrap()));
    let readers = config.rules().all()[0].readers().unwrap();
    let label = LabelId::new;
    assert_eq!(*readers, Readers::Networks(vec![label(0), label(1)]));
    #[rustfmt::skip]
    let rows = [
        (r#""akamai""#, READERS, "clients.trusted_proxies[0]: no label of `networks` matches `akamai`"),
        (r#""10.1.2.3/8""#, READERS, "clients.trusted_proxies[0]: `10.1.2.3/8` has bits behind its length of 8"),
        (r#""3.0.0.0/33""#, READERS, "clients.trusted_proxies[0]: `3.0.0.0/33` has the length `33`"),
        (r#""Cloudflare""#, READERS, "clients.trusted_proxies[0]: `Cloudflare` is not valid"),
        (r#""*""#, READERS, "clients.trusted_proxies[0]: `*` is not valid"),
        ("", r#""gcp:*""#, "rules[0].readers.networks[0]: no label of `networks` matches `gcp:*`"),
    ];
    for (proxies, readers, expected) in rows {
        let found = mistakes(&policy("", "", proxies, readers));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}\n{found:#?}");
    }
}
