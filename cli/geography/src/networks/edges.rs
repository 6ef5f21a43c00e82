//! Delivery networks, whose addresses are in no region: Cloudflare
//! (<https://developers.cloudflare.com/api/resources/ips>, or the lists at
//! <https://www.cloudflare.com/ips/>) and Fastly
//! (<https://www.fastly.com/documentation/reference/api/utils/public-ip-list/>).

use super::entry::{self, Entry, Problems, Weight};
use ipnet::IpNet;
use serde_json::{Value, json};

/// Cloudflare's answer of its API.
pub(super) fn cloudflare(file: &Value, problems: &mut Problems) -> Vec<Entry> {
    let Some(result) = file.get("result") else {
        problems.add("result", "is missing");
        return Vec::new();
    };
    let lists = ["ipv4_cidrs", "ipv6_cidrs"];
    all("cloudflare", lists.map(|name| entry::prefixes(result, "result", name, problems)))
}

/// Fastly's answer.
pub(super) fn fastly(file: &Value, problems: &mut Problems) -> Vec<Entry> {
    let lists = ["addresses", "ipv6_addresses"];
    all("fastly", lists.map(|name| entry::prefixes(file, "", name, problems)))
}

/// Cloudflare's lists of one prefix a line, as its API would answer; nothing if a line is none.
pub(super) fn from_lines(text: &str) -> Option<Value> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let prefixes: Option<Vec<IpNet>> = lines.map(entry::any_prefix).collect();
    let prefixes = prefixes.filter(|prefixes| !prefixes.is_empty())?;
    let of = |is_v4: bool| {
        let family = prefixes.iter().filter(|prefix| matches!(prefix, IpNet::V4(_)) == is_v4);
        family.map(ToString::to_string).collect::<Vec<_>>()
    };
    Some(json!({"result": {"ipv4_cidrs": of(true), "ipv6_cidrs": of(false)}}))
}

fn all(label: &str, lists: [Vec<(String, IpNet)>; 2]) -> Vec<Entry> {
    let entry = |(path, prefix)| Entry {
        path,
        prefix,
        label: label.to_owned(),
        service: String::new(),
        weight: Weight::OfRegion,
    };
    lists.into_iter().flatten().map(entry).collect()
}
