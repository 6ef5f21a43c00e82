//! The result of a request at the cache of its region, as the word in the log and the metrics.

/// What became of a request that a cache may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// The node had the content.
    Hit,
    /// The node fetched it for this request.
    Miss,
    /// The node was fetching it for another request, and this one was sent what came.
    Coalesced,
    /// No node was asked: no registry has said that the repository has the content, or the front's
    /// clients log in to registries.
    Bypass,
    /// A node was asked and did not serve it: the registries were asked.
    Failed,
    /// No node was well: the registries were asked.
    Skipped,
    /// No registry could be asked what a tag stands for, and it was served as it was.
    Stale,
}

impl CacheResult {
    /// Every result.
    pub const ALL: [Self; 7] = [
        Self::Hit,
        Self::Miss,
        Self::Coalesced,
        Self::Bypass,
        Self::Failed,
        Self::Skipped,
        Self::Stale,
    ];

    /// The word in the log and for metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Coalesced => "coalesced",
            Self::Bypass => "bypass",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Stale => "stale",
        }
    }

    /// What a node says of its answer with content ([`CACHE`](crate::contract::headers::CACHE)).
    /// One that says nothing that is known here is taken to have fetched it: nothing was saved
    /// then.
    #[must_use]
    pub fn of_node(said: Option<&[u8]>) -> Self {
        [Self::Hit, Self::Coalesced]
            .into_iter()
            .find(|result| said == Some(result.as_str().as_bytes()))
            .unwrap_or(Self::Miss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_headers_of_nodes() {
        #[rustfmt::skip]
        let rows = [
            (Some("hit"), CacheResult::Hit, ""),
            (Some("coalesced"), CacheResult::Coalesced, ""),
            (Some("miss"), CacheResult::Miss, ""),
            (Some("skipped"), CacheResult::Miss, "no word of nodes"),
            (Some("HIT"), CacheResult::Miss, "another program's"),
            (None, CacheResult::Miss, "it says nothing"),
        ];
        for (said, expected, reason) in rows {
            let found = CacheResult::of_node(said.map(str::as_bytes));
            assert_eq!(found, expected, "{said:?}: {reason}");
        }
    }
}
