//! Client redirects: the requests of a rule that are answered with a redirect to a registry or a
//! blob store.

pub(crate) mod compile;
pub(crate) mod wire;

use crate::config::ids::{LabelId, RegionId, StoreId};

/// What of a rule's repositories clients fetch themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRedirects {
    /// For each region, found by its id, what is answered with the backend's own URL.
    pub(crate) classes: Vec<Vec<RedirectClass>>,
    /// For each region, found by its id, the store that its clients may get blobs from.
    pub(crate) stores: Vec<Option<StoreId>>,
    /// The networks whose clients are sent to no store.
    pub(crate) kept: Vec<LabelId>,
}

/// A kind of request that may be answered with the backend's own URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectClass {
    /// Manifests, by tag and by digest.
    Manifests,
    /// Blobs.
    Blobs,
    /// Lists of tags.
    Tags,
    /// What refers to a manifest.
    Referrers,
}

/// What to write where a class is expected.
pub(crate) const WANTED_CLASS: &str = "one of `manifests`, `blobs`, `tags` and `referrers`";

impl RedirectClass {
    /// Reads the word of a policy.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "manifests" => Some(Self::Manifests),
            "blobs" => Some(Self::Blobs),
            "tags" => Some(Self::Tags),
            "referrers" => Some(Self::Referrers),
            _ => None,
        }
    }
}

impl ClientRedirects {
    /// Whether requests of a class are sent to the backend itself.
    #[must_use]
    pub fn sends_away(&self, region: RegionId, class: RedirectClass) -> bool {
        self.classes.get(region.index()).is_some_and(|classes| classes.contains(&class))
    }

    /// Whether any request of any region is sent to a backend itself.
    #[must_use]
    pub fn sends_to_backends(&self) -> bool {
        self.classes.iter().any(|classes| !classes.is_empty())
    }

    /// Every store that clients of some region may be sent to.
    pub fn stores(&self) -> impl Iterator<Item = StoreId> + '_ {
        self.stores.iter().flatten().copied()
    }

    /// The store that a client may get blobs from, by its region and the label of its network.
    #[must_use]
    pub fn store(&self, region: RegionId, label: Option<LabelId>) -> Option<StoreId> {
        let is_kept = label.is_some_and(|label| self.kept.contains(&label));
        self.stores.get(region.index()).copied().flatten().filter(|_| !is_kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_region_class_and_network() {
        let region = RegionId::new;
        let client_redirects = ClientRedirects {
            classes: vec![vec![RedirectClass::Blobs, RedirectClass::Tags], vec![]],
            stores: vec![Some(StoreId::new(3)), None],
            kept: vec![LabelId::new(7)],
        };
        assert!(client_redirects.sends_away(region(0), RedirectClass::Blobs));
        assert!(!client_redirects.sends_away(region(0), RedirectClass::Manifests), "another class");
        assert!(!client_redirects.sends_away(region(1), RedirectClass::Blobs), "another region");
        assert!(
            !client_redirects.sends_away(region(2), RedirectClass::Blobs),
            "another policy's region"
        );
        #[rustfmt::skip]
        let rows = [
            (0, None, Some(3), "an unknown network"),
            (0, Some(6), Some(3), "a network that is not kept"),
            (0, Some(7), None, "kept"),
            (1, None, None, "a region without a store"),
        ];
        for (id, label, store, reason) in rows {
            let found = client_redirects.store(region(id), label.map(LabelId::new));
            assert_eq!(found, store.map(StoreId::new), "{reason}");
        }
    }
}
