//! The wire form of a front.

use super::auth::read_front_auth;
use super::{FrontAuthWire, flag, optional_text};
use crate::config::front_host::{self, FrontHost};
use crate::config::reader::Node;

pub(crate) struct FrontWire {
    pub(crate) name: String,
    pub(crate) hosts: Option<Vec<FrontHost>>,
    pub(crate) default: bool,
    pub(crate) auth: Option<FrontAuthWire>,
    pub(crate) catalog: Option<String>,
    pub(crate) ping_needs_all: bool,
    pub(crate) health: bool,
}

pub(super) fn read_front(name: String, node: &Node<'_>) -> FrontWire {
    let fields = node.fields(&["hosts", "default", "auth", "catalog", "ping", "health"]);
    let hosts = fields.required("hosts", front_host::WANTED_LIST, |node| {
        node.list(front_host::WANTED_LIST, |host| host.parse(front_host::WANTED, FrontHost::parse))
    });
    FrontWire {
        name,
        hosts,
        default: flag(&fields, "default"),
        auth: fields.optional("auth", |node| read_front_auth(&node)),
        catalog: optional_text(&fields, "catalog", "the name of a backend"),
        ping_needs_all: fields.optional("ping", |node| read_ping(&node)).unwrap_or(false),
        health: flag(&fields, "health"),
    }
}

/// Whether `/v2/` says that all is well only if it is.
fn read_ping(node: &Node<'_>) -> Option<bool> {
    const WANTED: &str = "`front`, which answers by itself, or `all_backends`, which have to be up";
    node.parse(WANTED, |text| match text {
        "front" => Some(false),
        "all_backends" => Some(true),
        _ => None,
    })
}
