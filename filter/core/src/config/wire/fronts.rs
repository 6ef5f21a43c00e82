//! The wire form of a front.

use super::auth::read_front_auth;
use super::landing::read_landing;
use super::{FrontAuthWire, flag};
use crate::config::front_host::{self, FrontHost};
use crate::config::landing::PageUrl;
use crate::config::reader::Node;

pub(crate) struct FrontWire {
    pub(crate) name: String,
    pub(crate) hosts: Option<Vec<FrontHost>>,
    pub(crate) default: bool,
    pub(crate) auth: Option<FrontAuthWire>,
    pub(crate) landing: Vec<(String, PageUrl)>,
}

pub(super) fn read_front(name: String, node: &Node<'_>) -> FrontWire {
    let fields = node.fields(&["hosts", "default", "auth", "landing"]);
    let hosts = fields.required("hosts", front_host::WANTED_LIST, |node| {
        node.list(front_host::WANTED_LIST, |host| host.parse(front_host::WANTED, FrontHost::parse))
    });
    FrontWire {
        name,
        hosts,
        default: flag(&fields, "default"),
        auth: fields.optional("auth", |node| read_front_auth(&node)),
        landing: fields.optional("landing", |node| read_landing(&node)).unwrap_or_default(),
    }
}
