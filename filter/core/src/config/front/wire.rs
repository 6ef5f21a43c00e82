//! The wire form of a front.

use crate::config::backend::Certificate;
use crate::config::fields::{CERTIFICATE, CORS, FRONT, SCRAPERS, WRITES};
use crate::config::front::cors::{self, Cors, Origin};
use crate::config::front::host::{self, FrontHost};
use crate::config::front::landing::PageUrl;
use crate::config::front::landing::wire::read_landing;
use crate::config::front::upstreams::wire::UpstreamWire;
use crate::config::front::upstreams::wire::read_upstream;
use crate::config::reader::Node;
use crate::config::wire::auth::FrontAuthWire;
use crate::config::wire::auth::read_front_auth;
use crate::config::wire::values::{flag, optional_text, read_named, read_writes, required_text};

#[allow(
    clippy::struct_excessive_bools,
    reason = "a person writes each of these switches for itself"
)]
pub(crate) struct FrontWire {
    pub(crate) name: String,
    pub(crate) hosts: Option<Vec<FrontHost>>,
    pub(crate) default: bool,
    pub(crate) tls: Option<Certificate>,
    pub(crate) auth: Option<FrontAuthWire>,
    pub(crate) landing: Vec<(String, PageUrl)>,
    pub(crate) catalog: Option<String>,
    pub(crate) ping_needs_all: bool,
    pub(crate) health: bool,
    /// Labels of the networks that may scrape metrics.
    pub(crate) scrapers: Option<Vec<String>>,
    pub(crate) says_backend: bool,
    pub(crate) client_configuration: bool,
    pub(crate) cors: Option<Cors>,
    pub(crate) upstreams: Option<Vec<UpstreamWire>>,
    pub(crate) default_upstream: Option<String>,
    /// Why writes are refused, where they are.
    pub(crate) writes_refused: Option<String>,
}

pub(crate) fn read_front(name: String, node: &Node<'_>) -> FrontWire {
    const UPSTREAMS: &str = "a mapping of the registries that clients name, by name";
    let fields = node.fields(&FRONT);
    let hosts = fields.required("hosts", host::WANTED_LIST, |node| {
        node.refuse_empty("is empty; write at least one host that clients use");
        node.list(host::WANTED_LIST, |host| host.parse(host::WANTED, FrontHost::parse))
    });
    FrontWire {
        name,
        hosts,
        default: flag(&fields, "default"),
        tls: fields.optional("tls", |node| read_certificate(&node)),
        auth: fields.optional("auth", |node| read_front_auth(&node)),
        landing: fields.optional("landing", |node| read_landing(&node)).unwrap_or_default(),
        catalog: optional_text(&fields, "catalog", "the name of a backend"),
        ping_needs_all: fields.optional("ping", |node| read_ping(&node)).unwrap_or(false),
        health: flag(&fields, "health"),
        scrapers: fields.optional("metrics", |node| read_scrapers(&node)),
        says_backend: flag(&fields, "say_backend"),
        client_configuration: flag(&fields, "client_configuration"),
        cors: fields.optional("cors", |node| read_cors(&node)),
        upstreams: fields.optional("upstreams", |node| read_named(&node, UPSTREAMS, read_upstream)),
        default_upstream: optional_text(&fields, "default_upstream", "one of `upstreams`"),
        writes_refused: fields.optional("writes", |node| read_writes(&node, &WRITES)),
    }
}

/// Who may scrape metrics. An empty name is a value that could not be read; it has its own mistake.
fn read_scrapers(node: &Node<'_>) -> Option<Vec<String>> {
    const LABELS: &str = "a list of labels of `networks`";
    let fields = node.fields(&SCRAPERS);
    fields.required("networks", LABELS, |node| {
        node.list(LABELS, |item| {
            Some(item.string("a label").map(str::to_owned).unwrap_or_default())
        })
    })
}

/// What the front shows to its clients.
fn read_certificate(node: &Node<'_>) -> Option<Certificate> {
    const CHAIN: &str = "the path of a PEM file with the front's certificate and its chain";
    const KEY: &str = "the path of a PEM file with the key of `certificate_file`";
    let fields = node.fields(&CERTIFICATE);
    let certificate_file = required_text(&fields, "certificate_file", CHAIN);
    let key_file = required_text(&fields, "key_file", KEY);
    Some(Certificate { certificate_file: certificate_file?, key_file: key_file? })
}

/// Which web pages may use the front.
fn read_cors(node: &Node<'_>) -> Option<Cors> {
    let fields = node.fields(&CORS);
    let origins = fields.required("origins", cors::WANTED, |node| {
        let origins =
            node.list(cors::WANTED, |each| each.parse(cors::WANTED_ORIGIN, Origin::parse))?;
        if origins.is_empty() {
            node.refuse(format!("is empty; write {}", cors::WANTED));
        }
        Some(origins)
    });
    Some(Cors { origins: origins?, credentials: flag(&fields, "credentials") })
}

/// Whether `/v2/` says that all is well only if it is.
fn read_ping(node: &Node<'_>) -> Option<bool> {
    const WANTED: &str = "`front`, which answers by itself, or `all_backends`, which have to be up";
    node.word(WANTED, &[("front", false), ("all_backends", true)])
}
