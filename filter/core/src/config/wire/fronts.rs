//! The wire form of a front.

use super::auth::read_front_auth;
use super::{FrontAuthWire, flag};
use crate::config::front_host::{self, FrontHost};
use crate::config::reader::Node;

pub(crate) struct FrontWire {
    pub(crate) name: String,
    pub(crate) hosts: Option<Vec<FrontHost>>,
    pub(crate) default: bool,
    pub(crate) auth: Option<FrontAuthWire>,
}

pub(super) fn read_front(name: String, node: &Node<'_>) -> FrontWire {
    let fields = node.fields(&["hosts", "default", "auth"]);
    let hosts = fields.required("hosts", front_host::WANTED_LIST, |node| {
        node.list(front_host::WANTED_LIST, |host| host.parse(front_host::WANTED, FrontHost::parse))
    });
    FrontWire {
        name,
        hosts,
        default: flag(&fields, "default"),
        auth: fields.optional("auth", |node| read_front_auth(&node)),
    }
}
