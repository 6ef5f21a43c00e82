//! The wire form of a cache.

use ipnet::IpNet;

use crate::config::advice;
use crate::config::backend::Certificate;
use crate::config::backend_url::BackendUrl;
use crate::config::cache::{CacheTls, Known};
use crate::config::fields::{CACHE, CACHE_TLS, KNOWN};
use crate::config::network;
use crate::config::reader::Node;
use crate::config::wire::values::{list, read_count, required_text, time};

pub(crate) struct CacheWire {
    pub(crate) name: String,
    /// One that could not be read keeps its place.
    pub(crate) nodes: Vec<Option<BackendUrl>>,
    pub(crate) fill_from: Vec<IpNet>,
    pub(crate) tls: Option<CacheTls>,
    /// Whether that is there, also where it could not be read.
    pub(crate) has_tls: bool,
    pub(crate) known: Known,
}

pub(crate) fn read_cache(name: String, node: &Node<'_>) -> CacheWire {
    const NODES: &str = "a list of URLs such as `http://10.0.0.7:8300`";
    let fields = node.fields(&CACHE);
    let nodes = fields.required("nodes", NODES, |node| {
        node.refuse_empty("is empty; write at least one node, such as `http://10.0.0.7:8300`");
        node.list(NODES, |node| Some(read_node(&node)))
    });
    let tls = fields.optional("tls", |node| Some(read_tls(&node)));
    CacheWire {
        name,
        nodes: nodes.unwrap_or_default(),
        fill_from: list(&fields, "fill_from", network::WANTED, network::parse),
        has_tls: tls.is_some(),
        tls: tls.flatten(),
        known: fields.optional("known", |node| Some(read_known(&node))).unwrap_or_default(),
    }
}

fn read_node(node: &Node<'_>) -> Option<BackendUrl> {
    const LOGIN: &str = "nodes are asked without any";
    let url = node.url(advice::url::WANTED, LOGIN, BackendUrl::parse)?;
    if !url.base_path().is_empty() {
        node.refuse("has a path; write scheme, host and port alone");
    }
    Some(url)
}

fn read_tls(node: &Node<'_>) -> Option<CacheTls> {
    const CERTIFICATE: &str = "the path of a PEM file with a certificate and its chain";
    const KEY: &str = "the path of a PEM file with the key of `certificate_file`";
    let fields = node.fields(&CACHE_TLS);
    let ca_file = required_text(&fields, "ca_file", "the path of a PEM file of CA certificates");
    let certificate_file = required_text(&fields, "certificate_file", CERTIFICATE);
    let key_file = required_text(&fields, "key_file", KEY);
    Some(CacheTls {
        ca_file: ca_file?,
        own: Certificate { certificate_file: certificate_file?, key_file: key_file? },
    })
}

fn read_known(node: &Node<'_>) -> Known {
    let default = Known::default();
    let fields = node.fields(&KNOWN);
    Known {
        present: time(&fields, "present", default.present),
        absent: time(&fields, "absent", default.absent),
        timeout: time(&fields, "timeout", default.timeout),
        entries: fields
            .optional("entries", |node| usize::try_from(read_count(&node)?).ok())
            .unwrap_or(default.entries),
    }
}
