//! The wire form of a backend's redirects.

use super::{flag, list, optional_text};
use crate::config::reader::{Fields, Node};
use crate::config::redirects::{Redirect, RedirectHost, WANTED_HOST};

#[derive(Default)]
pub(crate) struct RedirectsWire {
    /// For every region that is not in `by_region`.
    pub(crate) default: Redirect,
    pub(crate) by_region: Vec<(String, Redirect)>,
    pub(crate) follow: Option<FollowWire>,
}

/// How far redirects are followed.
#[derive(Default)]
pub(crate) struct FollowWire {
    pub(crate) hosts: Vec<RedirectHost>,
    pub(crate) private_addresses: bool,
    pub(crate) ca_file: Option<String>,
}

/// Reads `redirects` and `follow` among a backend's fields.
pub(super) fn read(fields: &Fields<'_>) -> RedirectsWire {
    let (default, by_region) =
        fields.optional("redirects", |node| read_redirects(&node)).unwrap_or_default();
    let follow = fields.optional("follow", |node| Some(read_follow(&node)));
    RedirectsWire { default, by_region, follow }
}

/// `pass`, `follow`, or a mapping from regions to one of them.
fn read_redirects(node: &Node<'_>) -> Option<(Redirect, Vec<(String, Redirect)>)> {
    const WANTED: &str = "`pass`, `follow`, or a mapping from regions to one of them";
    if !node.is_mapping() {
        return Some((read_one(node, WANTED)?, Vec::new()));
    }
    let each = node.entries(WANTED, |region, node| {
        Some((region.to_owned(), read_one(&node, "`pass` or `follow`")?))
    })?;
    let default = each.iter().find(|(region, _)| region == crate::config::DEFAULT_REGION);
    Some((default.map(|(_, redirect)| *redirect).unwrap_or_default(), each))
}

fn read_one(node: &Node<'_>, wanted: &str) -> Option<Redirect> {
    node.parse(wanted, |text| match text {
        "pass" => Some(Redirect::Pass),
        "follow" => Some(Redirect::Follow),
        _ => None,
    })
}

fn read_follow(node: &Node<'_>) -> FollowWire {
    let fields = node.fields(&["hosts", "private_addresses", "ca_file"]);
    FollowWire {
        hosts: list(&fields, "hosts", WANTED_HOST, RedirectHost::parse),
        private_addresses: flag(&fields, "private_addresses"),
        ca_file: optional_text(&fields, "ca_file", "the path of a PEM file of CA certificates"),
    }
}
