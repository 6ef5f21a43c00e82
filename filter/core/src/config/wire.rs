//! The wire form: the policy as it is written, every value read, no reference resolved.
//!
//! A part that could not be read is left out or `None`, with a mistake recorded; the items
//! around it are kept, so that references to them do not fail a second time for the same
//! reason.

use std::time::Duration;

use ipnet::IpNet;

use super::backend_url::{self, BackendUrl, is_host_name};
use super::front_host::{self, FrontHost};
use super::geography::{Continent, Country, Subdivision};
use super::mistake::{Mistakes, Path};
use super::name_mapping::NameRewrite;
use super::reader::{Fields, Node};
use super::repository_glob::{self, RepositoryGlob};
use super::resilience::Resilience;
use super::{Document, duration, header_name, network, wire_resilience};
use crate::grammar::is_repository_prefix;

/// The version of the format that this release reads.
pub(crate) const VERSION: u64 = 1;

pub(crate) struct PolicyWire {
    pub(crate) fronts: Option<Vec<FrontWire>>,
    pub(crate) backends: Option<Vec<BackendWire>>,
    pub(crate) regions: Option<Vec<RegionWire>>,
    pub(crate) networks: Vec<(String, Vec<IpNet>)>,
    pub(crate) clients: ClientsWire,
    pub(crate) rules: Option<Vec<RuleWire>>,
}

pub(crate) struct FrontWire {
    pub(crate) name: String,
    pub(crate) hosts: Option<Vec<FrontHost>>,
    pub(crate) default: bool,
}

pub(crate) struct BackendWire {
    pub(crate) name: String,
    pub(crate) url: Option<BackendUrl>,
    pub(crate) cluster: Option<String>,
    pub(crate) owner_cluster: Option<String>,
    pub(crate) names: Vec<NameRewrite>,
    pub(crate) ca_file: Option<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) resilience: Resilience,
    pub(crate) drained: bool,
}

pub(crate) struct RegionWire {
    pub(crate) name: String,
    pub(crate) drained: bool,
    pub(crate) countries: Vec<Country>,
    pub(crate) subdivisions: Vec<Subdivision>,
    pub(crate) continents: Vec<Continent>,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) labels: Vec<String>,
}

#[derive(Default)]
pub(crate) struct ClientsWire {
    pub(crate) trusted_hops: Option<u32>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) database: Option<String>,
    pub(crate) headers: Option<GeoHeadersWire>,
}

pub(crate) struct GeoHeadersWire {
    pub(crate) country: Option<String>,
    pub(crate) subdivision: Option<String>,
    pub(crate) continent: Option<String>,
}

pub(crate) struct RuleWire {
    pub(crate) name: Option<String>,
    pub(crate) repositories: Option<Vec<RepositoryGlob>>,
    pub(crate) chains: Vec<(String, Option<Vec<LinkWire>>)>,
    pub(crate) owner: Option<String>,
    pub(crate) replicas: Option<Vec<String>>,
    pub(crate) tags_from_owner: bool,
    pub(crate) read_your_writes: Option<Duration>,
}

/// One backend of a chain.
pub(crate) struct LinkWire {
    pub(crate) backend: String,
    /// The part of the repositories, in percent, that the backend serves while it is tried out.
    pub(crate) share: Option<u8>,
}

const NAME: &str = "a name of letters, digits, `-`, `_` and `.`, at most 63 long";
const NAMES: &str = "a list of names";
const RULES: &str = "a list of rules";

/// Reads the whole document.
pub(crate) fn read(document: &Document, mistakes: &Mistakes) -> PolicyWire {
    let fields = Node::new(document, &Path::Root, mistakes)
        .fields(&["version", "fronts", "backends", "regions", "networks", "clients", "rules"]);
    fields.required("version", "`version: 1`", read_version);
    PolicyWire {
        fronts: named(&fields, "fronts", "a mapping of fronts by name", read_front),
        backends: named(&fields, "backends", "a mapping of backends by name", read_backend),
        regions: named(&fields, "regions", "a mapping of regions by name", read_region),
        networks: fields.optional("networks", |node| read_networks(&node)).unwrap_or_default(),
        clients: fields.optional("clients", |node| Some(read_clients(&node))).unwrap_or_default(),
        rules: fields
            .required("rules", RULES, |node| node.list(RULES, |rule| Some(read_rule(&rule)))),
    }
}

fn read_version(node: Node<'_>) -> Option<()> {
    let found = node.number("`version: 1`")?;
    if found != VERSION {
        node.refuse(format!("is {found}; this release reads version {VERSION} only"));
    }
    Some(())
}

/// A required mapping whose keys are names.
fn named<T>(
    fields: &Fields<'_>,
    field: &'static str,
    wanted: &str,
    read: fn(String, &Node<'_>) -> T,
) -> Option<Vec<T>> {
    fields.required(field, wanted, |node| {
        node.entries(wanted, |name, node| {
            if !is_name(name) {
                node.refuse(format!("the name is not valid; write {NAME}"));
            }
            Some(read(name.to_owned(), &node))
        })
    })
}

fn read_front(name: String, node: &Node<'_>) -> FrontWire {
    let fields = node.fields(&["hosts", "default"]);
    let hosts = fields.required("hosts", front_host::WANTED_LIST, |node| {
        node.list(front_host::WANTED_LIST, |host| host.parse(front_host::WANTED, FrontHost::parse))
    });
    FrontWire { name, hosts, default: flag(&fields, "default") }
}

fn read_backend(name: String, node: &Node<'_>) -> BackendWire {
    let fields = node.fields(&[
        "url",
        "cluster",
        "owner_cluster",
        "names",
        "tls",
        "drained",
        "hides_missing",
        "attempt_timeouts",
        "write_timeouts",
        "health_check",
        "limits",
    ]);
    let (ca_file, server_name) =
        fields.optional("tls", |node| Some(read_tls(&node))).unwrap_or_default();
    BackendWire {
        name,
        url: fields.required("url", backend_url::WANTED, |node| {
            node.parse(backend_url::WANTED, BackendUrl::parse)
        }),
        cluster: optional_text(&fields, "cluster", "the name of an Envoy cluster"),
        owner_cluster: optional_text(&fields, "owner_cluster", "the name of an Envoy cluster"),
        names: fields
            .optional("names", |node| node.list("a list of rewrites", read_rewrite))
            .unwrap_or_default(),
        ca_file,
        server_name,
        resilience: wire_resilience::read(&fields),
        drained: flag(&fields, "drained"),
    }
}

fn read_tls(node: &Node<'_>) -> (Option<String>, Option<String>) {
    const HOST: &str = "the host name in the backend's certificate";
    let fields = node.fields(&["ca_file", "server_name"]);
    let server_name = fields.optional("server_name", |node| {
        node.parse(HOST, |text| is_host_name(text).then(|| text.to_ascii_lowercase()))
    });
    (optional_text(&fields, "ca_file", "the path of a PEM file of CA certificates"), server_name)
}

fn read_rewrite(node: Node<'_>) -> Option<NameRewrite> {
    const PREFIX: &str = "a repository name prefix that ends with `/`, or `\"\"` for all names";
    let fields = node.fields(&["front", "backend"]);
    let prefix = |field| {
        fields.required(field, PREFIX, |node| {
            node.parse(PREFIX, |text| is_repository_prefix(text).then(|| text.to_owned()))
        })
    };
    let (front, backend) = (prefix("front"), prefix("backend"));
    Some(NameRewrite { front: front?, backend: backend? })
}

fn read_region(name: String, node: &Node<'_>) -> RegionWire {
    const COUNTRY: &str = "an ISO 3166-1 code of two letters such as `US`";
    const SUBDIVISION: &str = "an ISO 3166-2 code such as `US-CA`";
    const CONTINENT: &str = "one of `AF`, `AN`, `AS`, `EU`, `NA`, `OC`, `SA`";
    const LABEL: &str =
        "a label of `networks`, or the start of labels and a `*`, such as `aws:eu-*`";
    let fields =
        node.fields(&["countries", "subdivisions", "continents", "networks", "labels", "drained"]);
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

fn read_networks(node: &Node<'_>) -> Option<Vec<(String, Vec<IpNet>)>> {
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

fn read_clients(node: &Node<'_>) -> ClientsWire {
    const HOPS: &str = "the number of your own proxies in front of Envoy, from 0 to 16";
    let fields = node.fields(&["trusted_hops", "trusted_proxies", "geo"]);
    let trusted_hops = fields.optional("trusted_hops", |node| {
        let hops = u32::try_from(node.number(HOPS)?).ok().filter(|hops| *hops <= 16);
        if hops.is_none() {
            node.refuse(format!("is too large; write {HOPS}"));
        }
        hops
    });
    let (database, headers) =
        fields.optional("geo", |node| Some(read_geo(&node))).unwrap_or_default();
    ClientsWire {
        trusted_hops,
        trusted_proxies: list(&fields, "trusted_proxies", network::WANTED, network::parse),
        database,
        headers,
    }
}

fn read_geo(node: &Node<'_>) -> (Option<String>, Option<GeoHeadersWire>) {
    let fields = node.fields(&["database", "headers"]);
    let database = optional_text(&fields, "database", "the path of an .mmdb file");
    let headers = fields.optional("headers", |node| {
        let fields = node.fields(&["country", "subdivision", "continent"]);
        let header = |name| {
            fields.optional(name, |node| node.parse(header_name::WANTED, header_name::parse))
        };
        Some(GeoHeadersWire {
            country: header("country"),
            subdivision: header("subdivision"),
            continent: header("continent"),
        })
    });
    (database, headers)
}

fn read_rule(node: &Node<'_>) -> RuleWire {
    const CHAINS: &str = "a mapping from regions to lists of backends, nearest first";
    const TAGS: &str = "`owner` or `replicas`";
    let fields = node.fields(&[
        "name",
        "repositories",
        "chains",
        "owner",
        "replicas",
        "tags_from",
        "read_your_writes",
    ]);
    let repositories = fields.required("repositories", "a list of repository globs", |node| {
        node.list("a list of repository globs", |glob| {
            glob.parse(repository_glob::WANTED, RepositoryGlob::parse)
        })
    });
    let chains = fields.required("chains", CHAINS, |node| {
        node.entries(CHAINS, |region, chain| Some((region.to_owned(), read_chain(&chain))))
    });
    RuleWire {
        name: fields.required("name", NAME, |node| {
            node.parse(NAME, |text| is_name(text).then(|| text.to_owned()))
        }),
        repositories,
        chains: chains.unwrap_or_default(),
        owner: optional_text(&fields, "owner", "the name of a backend"),
        replicas: fields.optional("replicas", |node| references(&node)),
        read_your_writes: fields
            .optional("read_your_writes", |node| node.parse(duration::WANTED, duration::parse)),
        tags_from_owner: fields
            .optional("tags_from", |node| {
                node.parse(TAGS, |text| match text {
                    "owner" => Some(true),
                    "replicas" => Some(false),
                    _ => None,
                })
            })
            .unwrap_or(false),
    }
}

fn read_chain(node: &Node<'_>) -> Option<Vec<LinkWire>> {
    node.list("a list of backends, nearest first", |item| Some(read_link(&item)))
}

/// A name, or `{backend: NAME, share: PERCENT}`.
fn read_link(node: &Node<'_>) -> LinkWire {
    const SHARE: &str = "a whole number of percent from 1 to 99";
    if !node.is_mapping() {
        let name = node.string("a name").map(str::to_owned);
        return LinkWire { backend: name.unwrap_or_default(), share: None };
    }
    let fields = node.fields(&["backend", "share"]);
    let backend = fields.required("backend", "the name of a backend", |node| {
        node.string("a name").map(str::to_owned)
    });
    let share = fields.optional("share", |node| {
        let share = u8::try_from(node.number(SHARE)?).ok().filter(|share| (1..=99).contains(share));
        if share.is_none() {
            node.refuse(format!("is out of range; write {SHARE}"));
        }
        share
    });
    LinkWire { backend: backend.unwrap_or_default(), share }
}

/// A switch that is off if it is left out.
pub(super) fn flag(fields: &Fields<'_>, name: &'static str) -> bool {
    fields.optional(name, |node| node.boolean()).unwrap_or(false)
}

/// A list of names of other things. Unreadable items keep their place as an empty name, so
/// that the index in a later mistake is the index in the file.
fn references(node: &Node<'_>) -> Option<Vec<String>> {
    node.list(NAMES, |item| Some(item.string("a name").map(str::to_owned).unwrap_or_default()))
}

fn optional_text(fields: &Fields<'_>, name: &'static str, wanted: &str) -> Option<String> {
    fields.optional(name, |node| {
        node.parse(wanted, |text| (!text.is_empty()).then(|| text.to_owned()))
    })
}

fn list<T>(
    fields: &Fields<'_>,
    name: &'static str,
    wanted: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let items = fields.optional(name, |node| {
        let list = format!("a list, each {wanted}");
        node.list(&list, |item| item.parse(wanted, &parse))
    });
    items.unwrap_or_default()
}

/// The names of fronts, backends, regions and rules: they become parts of stats, labels and
/// cluster names.
fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=63).contains(&text.len())
        && text.bytes().all(known)
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

fn is_label(text: &str) -> bool {
    is_label_start(text)
        && text.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

fn is_label_start(text: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":._-".contains(&byte);
    text.bytes().all(known)
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
