//! The wire form: the policy as it is written, every value read, no reference resolved.
//!
//! A part that could not be read is left out or `None`, with a mistake recorded; the items
//! around it are kept, so that references to them do not fail a second time for the same
//! reason.

pub(crate) mod auth;
pub(crate) mod budget;
pub(crate) mod client_limits;
pub(crate) mod clients;
pub(crate) mod proxy;
pub(crate) mod rate;
pub(crate) mod refused;
pub(crate) mod regions;
pub(crate) mod values;

pub(crate) use crate::config::backend::followed_redirects::wire::{
    FollowWire, FollowedRedirectsWire,
};
pub(crate) use crate::config::backend::wire::{BackendWire, TlsWire};
pub(crate) use crate::config::blob_store::wire::BlobStoreWire;
pub(crate) use crate::config::cache::wire::CacheWire;
pub(crate) use crate::config::front::upstreams::wire::UpstreamWire;
pub(crate) use crate::config::front::wire::FrontWire;
pub(crate) use crate::config::rule::client_redirects::wire::{ClientRedirectsWire, PerRegion};
pub(crate) use crate::config::rule::wire::{LinkWire, RuleWire};
pub(crate) use auth::{BackendAuthWire, CredentialWire, FrontAuthWire, ReadersWire};
pub(crate) use client_limits::ClientLimitsWire;
pub(crate) use clients::{ClientsWire, GeoHeadersWire};
pub(crate) use proxy::ProxyWire;
pub(crate) use refused::RefusedWire;
pub(crate) use regions::RegionWire;

use ipnet::IpNet;

use crate::config::backend::wire::read_backend;
use crate::config::blob_store::wire::read_blob_store;
use crate::config::cache::wire::read_cache;
use crate::config::document::Document;
use crate::config::fields::POLICY;
use crate::config::front::upstreams::own_backends;
use crate::config::front::wire::read_front;
use crate::config::mistake::{Mistakes, Path};
use crate::config::published::{self, Published};
use crate::config::reader::{Fields, Node};
use crate::config::rule::wire::read_rule;
use values::{flag, read_named};

/// The version of the format that this release reads.
pub const VERSION: u64 = 1;

pub(crate) struct PolicyWire {
    pub(crate) fronts: Option<Vec<FrontWire>>,
    pub(crate) backends: Option<Vec<BackendWire>>,
    pub(crate) blob_stores: Option<Vec<BlobStoreWire>>,
    pub(crate) caches: Option<Vec<CacheWire>>,
    pub(crate) regions: Option<Vec<RegionWire>>,
    pub(crate) credentials: Option<Vec<CredentialWire>>,
    pub(crate) networks: Vec<(String, Vec<IpNet>)>,
    pub(crate) published: Vec<Published>,
    pub(crate) clients: ClientsWire,
    pub(crate) rules: Option<Vec<RuleWire>>,
    pub(crate) cluster_fingerprints: bool,
    pub(crate) fills_caches: bool,
}

const RULES: &str = "a list of rules";
const BACKENDS: &str = "a mapping of backends by name";

/// Reads the whole document.
pub(crate) fn read(document: &Document, mistakes: &Mistakes) -> PolicyWire {
    let fields = Node::new(document, &Path::Root, mistakes).fields(&POLICY);
    for name in ["network_files", "include"] {
        fields.optional(name, |node| -> Option<()> {
            node.refuse(
                "is read by the command line alone; give the filter what `portolan render \
                 --filter-configuration` prints",
            );
            None
        });
    }
    fields.required("version", "`version: 1`", read_version);
    let fronts = named(&fields, "fronts", "a mapping of fronts by name", read_front);
    let of_upstreams = own_backends::all(fronts.as_deref().unwrap_or_default());
    // Where upstreams say where they are served from, nothing more need be said.
    let is_needed = !own_backends::any(fronts.as_deref().unwrap_or_default());
    let backends = maybe(&fields, "backends", BACKENDS, is_needed, |node| {
        read_named(&node, BACKENDS, read_backend)
    });
    let rules = maybe(&fields, "rules", RULES, is_needed, |node| {
        node.list(RULES, |rule| Some(read_rule(&rule)))
    });
    let (backends, rules) = own_backends::add(of_upstreams, backends, rules, mistakes);
    PolicyWire {
        fronts,
        backends,
        rules,
        cluster_fingerprints: flag(&fields, "cluster_fingerprints"),
        fills_caches: flag(&fields, "fills_caches"),
        caches: fields.optional("caches", |node| {
            read_named(&node, "a mapping of caches by name", read_cache)
        }),
        blob_stores: fields.optional("blob_stores", |node| {
            read_named(&node, "a mapping of blob stores by name", read_blob_store)
        }),
        credentials: fields.optional("credentials", |node| {
            read_named(&node, "a mapping of credentials by name", auth::read_credential)
        }),
        regions: named(&fields, "regions", "a mapping of regions by name", regions::read_region),
        networks: fields
            .optional("networks", |node| regions::read_networks(&node))
            .unwrap_or_default(),
        published: fields
            .optional("networks_published", |node| read_published(&node))
            .unwrap_or_default(),
        clients: fields
            .optional("clients", |node| Some(clients::read_clients(&node)))
            .unwrap_or_default(),
    }
}

/// Of which day each source's networks are.
fn read_published(node: &Node<'_>) -> Option<Vec<Published>> {
    node.entries("a mapping from sources to days", |source, node| {
        if !regions::is_label(source) {
            node.refuse("the name is not valid; write one such as `aws`");
        }
        let day = node.parse(published::WANTED, |text| published::is_day(text).then_some(text))?;
        Some(Published { source: source.to_owned(), day: day.to_owned() })
    })
}

const VERSION_WANTED: &str = "`version: 1`";

fn read_version(node: Node<'_>) -> Option<()> {
    let found = node.number(VERSION_WANTED)?;
    if found != VERSION {
        node.refuse(format!("is {found}; this release reads version {VERSION} only"));
    }
    Some(())
}

/// A field that must be there, or may be left out.
fn maybe<T>(
    fields: &Fields<'_>,
    name: &'static str,
    wanted: &str,
    is_needed: bool,
    read: impl FnOnce(Node<'_>) -> Option<T>,
) -> Option<T> {
    if is_needed { fields.required(name, wanted, read) } else { fields.optional(name, read) }
}

/// A required mapping whose keys are names.
fn named<T>(
    fields: &Fields<'_>,
    field: &'static str,
    wanted: &str,
    read: fn(String, &Node<'_>) -> T,
) -> Option<Vec<T>> {
    fields.required(field, wanted, |node| read_named(&node, wanted, read))
}
