//! The wire form of followed redirects.

use crate::config::backend::followed_redirects::{RedirectHandling, RedirectHost, WANTED_HOST};
use crate::config::fields::FOLLOWED_REDIRECTS;
use crate::config::reader::{Fields, Node};
use crate::config::rule::client_redirects::wire::PerRegion;
use crate::config::wire::values::{flag, list, optional_text};

#[derive(Default)]
pub(crate) struct FollowedRedirectsWire {
    pub(crate) redirects: PerRegion<RedirectHandling>,
    pub(crate) follow: Option<FollowWire>,
}

/// How far redirects are followed.
#[derive(Default)]
pub(crate) struct FollowWire {
    pub(crate) hosts: Vec<RedirectHost>,
    /// Whether any host was written, be it one that could not be read.
    pub(crate) names_hosts: bool,
    pub(crate) private_addresses: bool,
    pub(crate) ca_file: Option<String>,
}

/// Reads `redirect_handling` and `followed_redirects` among a backend's fields.
pub(crate) fn read(fields: &Fields<'_>) -> FollowedRedirectsWire {
    let redirects =
        fields.optional("redirect_handling", |node| read_redirects(&node)).unwrap_or_default();
    let follow = fields.optional("followed_redirects", |node| Some(read_follow(&node)));
    FollowedRedirectsWire { redirects, follow }
}

/// `pass`, `follow`, or a mapping from regions to one of them.
fn read_redirects(node: &Node<'_>) -> Option<PerRegion<RedirectHandling>> {
    const WANTED: &str = "`pass`, `follow`, or a mapping from regions to one of them";
    if !node.is_mapping() {
        return Some(PerRegion::All(read_one(node, WANTED)?));
    }
    let each = node.entries(WANTED, |region, node| {
        Some((region.to_owned(), read_one(&node, "`pass` or `follow`")?))
    })?;
    Some(PerRegion::Each(each))
}

fn read_one(node: &Node<'_>, wanted: &str) -> Option<RedirectHandling> {
    node.word(wanted, &[("pass", RedirectHandling::Pass), ("follow", RedirectHandling::Follow)])
}

fn read_follow(node: &Node<'_>) -> FollowWire {
    let fields = node.fields(&FOLLOWED_REDIRECTS);
    FollowWire {
        hosts: list(&fields, "hosts", WANTED_HOST, RedirectHost::parse),
        names_hosts: fields.has_items("hosts"),
        private_addresses: flag(&fields, "private_addresses"),
        ca_file: optional_text(&fields, "ca_file", "the path of a PEM file of CA certificates"),
    }
}
