//! The wire form of regions and networks.

use ipnet::IpNet;

use crate::config::advice::place;
use crate::config::fields::REGION;
use crate::config::geography::{Continent, Country, Subdivision};
use crate::config::network;
use crate::config::reader::Node;
use crate::config::wanted::Wanted;
use crate::config::wire::values::{flag, list};

pub(crate) struct RegionWire {
    pub(crate) name: String,
    pub(crate) drained: bool,
    pub(crate) countries: Vec<Country>,
    pub(crate) subdivisions: Vec<Subdivision>,
    pub(crate) continents: Vec<Continent>,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) labels: Vec<String>,
}

pub(super) fn read_region(name: String, node: &Node<'_>) -> RegionWire {
    const COUNTRY: Wanted<'_> =
        Wanted::explained("an ISO 3166-1 code of two letters such as `US`", place::country);
    const SUBDIVISION: Wanted<'_> =
        Wanted::explained("an ISO 3166-2 code such as `US-CA`", place::subdivision);
    const CONTINENT: Wanted<'_> =
        Wanted::explained("one of `AF`, `AN`, `AS`, `EU`, `NA`, `OC`, `SA`", place::continent);
    const LABEL: &str =
        "a label of `networks`, or the start of labels and a `*`, such as `aws:eu-*`";
    let fields = node.fields(&REGION);
    RegionWire {
        name,
        drained: flag(&fields, "drained"),
        countries: list(&fields, "countries", COUNTRY, |text| Country::parse(text.as_bytes())),
        subdivisions: list(&fields, "subdivisions", SUBDIVISION, |text| {
            Subdivision::parse_qualified(text.as_bytes())
        }),
        continents: list(&fields, "continents", CONTINENT, |text| {
            Continent::parse(text.as_bytes())
        }),
        networks: list(&fields, "networks", network::WANTED, network::parse),
        labels: list(&fields, "labels", LABEL, |text| {
            let label = text.strip_suffix('*').unwrap_or(text);
            (label.is_empty() || is_label_start(label)).then(|| text.to_owned())
        }),
    }
}

pub(super) fn read_networks(node: &Node<'_>) -> Option<Vec<(String, Vec<IpNet>)>> {
    const LABEL: &str = "a label of lower-case letters, digits and inner `:`, `.`, `_`, `-`, \
         such as `aws:eu-west-1`";
    node.entries("a mapping from labels to lists of prefixes", |label, node| {
        if !is_label(label) {
            node.refuse(format!("the label is not valid; write {LABEL}"));
        }
        let prefixes =
            node.list("a list of prefixes", |item| item.parse(network::WANTED, network::parse));
        Some((label.to_owned(), prefixes.unwrap_or_default()))
    })
}

pub(super) fn is_label(text: &str) -> bool {
    is_label_start(text)
        && text.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

pub(super) fn is_label_start(text: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":._-".contains(&byte);
    text.bytes().all(known)
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
