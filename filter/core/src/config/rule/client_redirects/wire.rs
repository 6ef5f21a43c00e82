//! The wire form of client redirects.

use crate::config::fields::CLIENT_REDIRECTS;
use crate::config::reader::{Fields, Node};
use crate::config::rule::client_redirects::{RedirectClass, WANTED_CLASS};
use crate::config::wire::values::list;

/// A value for each region that is named, or one for all.
#[derive(Clone, Debug)]
pub(crate) enum PerRegion<T> {
    /// The same for every region.
    All(T),
    /// Each region's own; `default` serves those without.
    Each(Vec<(String, T)>),
}

impl<T: Default> Default for PerRegion<T> {
    fn default() -> Self {
        Self::All(T::default())
    }
}

pub(crate) struct ClientRedirectsWire {
    /// `None` is a class that could not be read; it has its own mistake.
    pub(crate) classes: Option<PerRegion<Vec<Option<RedirectClass>>>>,
    /// The names of stores; `None` is none, an empty name one that could not be read.
    pub(crate) stores: Option<PerRegion<Option<String>>>,
    /// Labels, or the starts of labels with a `*`.
    pub(crate) keep: Vec<String>,
}

pub(crate) fn read_client_redirects(node: &Node<'_>) -> ClientRedirectsWire {
    const LABEL: &str = "a label of `networks`, or the start of labels and a `*`, such as `gcp:*`";
    let fields = node.fields(&CLIENT_REDIRECTS);
    ClientRedirectsWire {
        classes: read_classes(&fields),
        stores: read_stores(&fields),
        keep: list(&fields, "keep", LABEL, |text| (!text.is_empty()).then(|| text.to_owned())),
    }
}

/// A list of classes, or a mapping from regions to such lists.
fn read_classes(fields: &Fields<'_>) -> Option<PerRegion<Vec<Option<RedirectClass>>>> {
    const WANTED: &str = "a list of classes, or a mapping from regions to such lists";
    let each = |node: &Node<'_>, wanted| {
        let list = node.list(wanted, |item| Some(item.parse(WANTED_CLASS, RedirectClass::parse)));
        list.unwrap_or_else(|| vec![None])
    };
    fields.optional("classes", |node| {
        if !node.is_mapping() {
            return Some(PerRegion::All(each(&node, WANTED)));
        }
        let entries = node.entries(WANTED, |region, node| {
            Some((region.to_owned(), each(&node, "a list of classes")))
        });
        entries.map(PerRegion::Each)
    })
}

/// A store, or a mapping from regions to stores.
fn read_stores(fields: &Fields<'_>) -> Option<PerRegion<Option<String>>> {
    const WANTED: &str =
        "the name of one of `blob_stores`, or a mapping from regions to such names";
    let one = |node: &Node<'_>, wanted| {
        let name = node.string(wanted).unwrap_or_default();
        (name != "none").then(|| name.to_owned())
    };
    fields.optional("stores", |node| {
        if !node.is_mapping() {
            return Some(PerRegion::All(one(&node, WANTED)));
        }
        let entries = node.entries(WANTED, |region, node| {
            const STORE: &str = "the name of one of `blob_stores`, or `none`";
            Some((region.to_owned(), one(&node, STORE)))
        });
        entries.map(PerRegion::Each)
    })
}
