//! The wire form of the sources of the facts about clients.

use crate::config::advice;
use crate::config::fields::{CLIENTS, GEO, GEO_HEADERS};
use crate::config::header_name;
use crate::config::reader::Node;
use crate::config::wire::client_limits::{ClientLimitsWire, read_client_limits};
use crate::config::wire::proxy::{PROXY, ProxyWire};
use crate::config::wire::refused::{RefusedWire, read_refused};
use crate::config::wire::values::{list, optional_text};

#[derive(Default)]
pub(crate) struct ClientsWire {
    pub(crate) trusted_hops: Option<u32>,
    pub(crate) trusted_proxies: Vec<ProxyWire>,
    /// Whether any was written, be it one that could not be read.
    pub(crate) names_proxies: bool,
    pub(crate) proxy_protocol: Vec<ProxyWire>,
    pub(crate) database: Option<String>,
    pub(crate) headers: Option<GeoHeadersWire>,
    pub(crate) limits: Option<ClientLimitsWire>,
    pub(crate) refused: Vec<RefusedWire>,
}

pub(crate) struct GeoHeadersWire {
    /// Whether any was written, be it one that could not be read.
    pub(crate) names_any: bool,
    pub(crate) country: Option<String>,
    pub(crate) subdivision: Option<String>,
    pub(crate) continent: Option<String>,
}

pub(super) fn read_clients(node: &Node<'_>) -> ClientsWire {
    const HOPS: &str = "the number of your own proxies in front of Envoy, from 0 to 16";
    let fields = node.fields(&CLIENTS);
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
        trusted_proxies: list(&fields, "trusted_proxies", PROXY, ProxyWire::parse),
        names_proxies: fields.has_items("trusted_proxies"),
        proxy_protocol: list(&fields, "proxy_protocol", PROXY, ProxyWire::parse),
        database,
        headers,
        limits: fields.optional("limits", |node| Some(read_client_limits(&node))),
        refused: fields.optional("refused", |node| read_refused(&node)).unwrap_or_default(),
    }
}

fn read_geo(node: &Node<'_>) -> (Option<String>, Option<GeoHeadersWire>) {
    let fields = node.fields(&GEO);
    let database = optional_text(&fields, "database", "the path of an .mmdb file");
    let headers = fields.optional("headers", |node| {
        let fields = node.fields(&GEO_HEADERS);
        let header = |name| {
            fields.optional(name, |node| node.parse(advice::header::WANTED, header_name::parse))
        };
        Some(GeoHeadersWire {
            names_any: fields.any_written(),
            country: header("country"),
            subdivision: header("subdivision"),
            continent: header("continent"),
        })
    });
    (database, headers)
}
