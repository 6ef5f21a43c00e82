//! Labels of networks: the region of each, and the other fields that take labels.

use portolan_policy_builder::{Backend, Policy, Region};
use serde_json::json;

use crate::client::{ClientFacts, locate};
use crate::config::ids::LabelId;
use crate::config::{Config, Mistake, Readers};

fn policy(cn: Region, eu: Region) -> Policy {
    Policy::new()
        .backend("a", Backend::at("https://a.example").tokens().credential("c"))
        .credential("c")
        .network("aws:eu-west-1", ["3.0.0.0/16"])
        .network("aws:eu-west-2", ["3.1.0.0/16"])
        .network("aws:us-east-1", ["3.2.0.0/16"])
        .network("cloudflare", ["192.0.2.0/24", "2001:db8::/32"])
        .region("cn", cn)
        .region("eu", eu)
        .set("/rules/0/readers", json!({"networks": ["cloudflare"]}))
}

/// Two regions that have nothing; what a policy trusts, and who may read.
fn trusting(proxies: &[&str], readers: &[&str]) -> Policy {
    policy(Region::default(), Region::default())
        .with("clients", json!({"trusted_proxies": proxies}))
        .set("/rules/0/readers", json!({"networks": readers}))
}

fn compiled(policy: &Policy) -> Result<Config, Vec<String>> {
    let told = |found: Vec<Mistake>| found.iter().map(ToString::to_string).collect();
    Config::from_json(policy.json().as_bytes()).map_err(told)
}

/// The regions of an address of each of the three networks of AWS.
fn regions(cn: &Region, eu: &Region) -> Result<Vec<String>, Vec<String>> {
    let config = compiled(&policy(cn.clone(), eu.clone()))?;
    let place = |address: &[u8]| {
        let facts = ClientFacts { address: Some(address), ..ClientFacts::default() };
        config.regions().name(locate(config.regions(), &facts).region).to_owned()
    };
    Ok([&b"3.0.0.1"[..], b"3.1.0.1", b"3.2.0.1"].map(place).to_vec())
}

#[test]
fn the_most_specific_pattern_has_the_label() {
    #[rustfmt::skip]
    let rows: &[(Region, Region, Result<[&str; 3], &str>, &str)] = &[
        (Region::labels(["aws:*"]), Region::labels(["aws:eu-*"]), Ok(["eu", "eu", "cn"]), "a longer start"),
        (Region::labels(["aws:eu-*"]), Region::labels(["aws:*"]), Ok(["cn", "cn", "eu"]), "in any order"),
        (Region::labels(["aws:eu-*"]), Region::labels(["aws:eu-west-1"]), Ok(["eu", "cn", "default"]), "the label itself"),
        (Region::labels(["aws:eu-west-1*"]), Region::labels(["aws:eu-west-1"]), Ok(["eu", "default", "default"]), "and before a start as long"),
        (Region::labels(["*"]), Region::labels(["aws:us-*"]), Ok(["cn", "cn", "eu"]), "every label"),
        (Region::labels(["aws:eu-*"]), Region::labels(["aws:eu-*"]), Err("regions.eu.labels[0]: the label `aws:eu-*` already belongs to `cn`"), "the same twice, told once"),
        (Region::networks(["3.0.0.0/16"]), Region::labels(["aws:eu-*"]), Err("networks[\"aws:eu-west-1\"][0]: the prefix `3.0.0.0/16` stands in `networks` of the region `cn` too"), "one prefix, two regions"),
        (Region::networks(["3.0.0.0/17"]), Region::labels(["aws:eu-*"]), Ok(["cn", "eu", "default"]), "the longest prefix decides"),
        (Region::networks(["3.0.0.0/16"]), Region::labels(["aws:us-*"]), Ok(["cn", "default", "eu"]), "the label is nobody's"),
        (Region::networks(["3.0.0.0/16"]).with("labels", json!(["aws:eu-*"])), Region::default(), Ok(["cn", "cn", "default"]), "the same region"),
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
    let trusted = ["cloudflare", "10.0.0.0/8", "aws:eu-*"];
    let config = compiled(&trusting(&trusted, &["aws:eu-*"])).unwrap();
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
        ("akamai", "cloudflare", "clients.trusted_proxies[0]: no label of `networks` matches `akamai`"),
        ("10.1.2.3/8", "cloudflare", "clients.trusted_proxies[0]: `10.1.2.3/8` has bits behind its length of 8"),
        ("2001:db8::1/32", "cloudflare", "clients.trusted_proxies[0]: `2001:db8::1/32` has bits behind its length of 32; write `2001:db8::/32`"),
        ("3.0.0.0/33", "cloudflare", "clients.trusted_proxies[0]: `3.0.0.0/33` has the length `33`"),
        ("Cloudflare", "cloudflare", "clients.trusted_proxies[0]: `Cloudflare` is not valid"),
        ("*", "cloudflare", "clients.trusted_proxies[0]: `*` is not valid"),
        ("10.0.0.0/8", "gcp:*", "rules[0].readers.networks[0]: no label of `networks` matches `gcp:*`"),
    ];
    for (proxies, readers, expected) in rows {
        let found = compiled(&trusting(&[proxies], &[readers])).unwrap_err();
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}\n{found:#?}");
    }
}
