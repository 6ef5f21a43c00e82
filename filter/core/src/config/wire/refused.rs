//! The wire form of refused clients and images.

use crate::config::fields::REFUSED;
use crate::config::image_glob::{self, ImageGlob};
use crate::config::reader::Node;
use crate::config::reason;
use crate::config::refused::{AgentGlob, WANTED_AGENT};
use crate::config::wire::proxy::{PROXY, ProxyWire};
use crate::config::wire::values::list;

/// One kind of requests that are refused.
pub(crate) struct RefusedWire {
    pub(crate) networks: Vec<ProxyWire>,
    /// Whether any was written, be it one that could not be read.
    pub(crate) names_networks: bool,
    pub(crate) user_agents: Vec<AgentGlob>,
    pub(crate) images: Vec<ImageGlob>,
    pub(crate) reason: String,
}

pub(super) fn read_refused(node: &Node<'_>) -> Option<Vec<RefusedWire>> {
    const LIST: &str =
        "a list of what is refused, such as `[{networks: [scanners], reason: \"…\"}]`";
    node.list(LIST, |item| read_one(&item))
}

fn read_one(node: &Node<'_>) -> Option<RefusedWire> {
    let fields = node.fields(&REFUSED);
    let kinds = ["networks", "user_agents", "images"];
    if fields.are_all_known() && !kinds.into_iter().any(|kind| fields.has_items(kind)) {
        node.refuse(
            "says nobody and nothing, and would refuse everything; write at least one of `networks`, \
             `user_agents` and `images`",
        );
    }
    let reason =
        fields.required("reason", reason::WANTED, |node| node.parse(reason::WANTED, reason::parse));
    let networks = list(&fields, "networks", PROXY, ProxyWire::parse);
    let user_agents = list(&fields, "user_agents", WANTED_AGENT, AgentGlob::parse);
    let images = list(&fields, "images", image_glob::WANTED, ImageGlob::parse);
    let names_networks = fields.has_items("networks");
    Some(RefusedWire { networks, names_networks, user_agents, images, reason: reason? })
}
