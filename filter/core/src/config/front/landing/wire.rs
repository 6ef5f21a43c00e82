//! The wire form of a front's pages.

use crate::config::front::landing::{PageUrl, WANTED_PATH, WANTED_URL, is_path};
use crate::config::reader::Node;

/// A mapping from paths to URLs.
pub(crate) fn read_landing(node: &Node<'_>) -> Option<Vec<(String, PageUrl)>> {
    node.entries("a mapping from paths to URLs of pages", |path, node| {
        if !is_path(path) {
            node.refuse(WANTED_PATH);
        }
        Some((path.to_owned(), node.url(WANTED_URL, "everybody is sent there", PageUrl::parse)?))
    })
}
