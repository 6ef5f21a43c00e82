//! The results of probes of blob stores, for all policies.

use portolan_core::config::BlobStore;
use portolan_core::grammar::Digest;
use portolan_core::probe::{Finding, Presence};

use super::blob::{Lookup, Probes};
use crate::call::{Call, StreamId};

/// The stores, each with what is known of it. A store is known by all that the policy says of it:
/// after a reload another store of the same name knows nothing yet.
#[derive(Debug, Default)]
pub(super) struct Stores(Vec<(BlobStore, Probes)>);

/// What a request for a blob should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// What it goes on with; nothing if it waits.
    pub(super) known: Option<Presence>,
    /// Whether the store is to be asked.
    pub(super) asks: bool,
}

impl Stores {
    /// Whether a store has a blob.
    pub(super) fn ask(
        &mut self,
        store: &BlobStore,
        digest: &Digest<'_>,
        stream: StreamId,
        now: u64,
    ) -> Asked {
        match self.of(store).look_up(digest, now, stream) {
            Lookup::Known(presence) => Asked { known: Some(presence), asks: false },
            Lookup::Confirm(presence) => Asked { known: Some(presence), asks: true },
            Lookup::Wait => Asked { known: None, asks: false },
            Lookup::Ask => Asked { known: None, asks: true },
        }
    }

    /// Takes in the status of a store's answer; `None` if there was none. Returns who waited, what
    /// each of them gets, and whether the store is in trouble that it was not in before.
    pub(super) fn settle(
        &mut self,
        store: &BlobStore,
        digest: &Digest<'_>,
        status: Option<u16>,
        now: u64,
    ) -> (Vec<StreamId>, Presence, bool) {
        let (finding, probes) = (Finding::of(status), self.of(store));
        let is_news = finding == Finding::Trouble && !probes.is_in_trouble(now);
        (probes.settle(digest, finding, now), finding.presence(), is_news)
    }

    /// A request is over.
    pub(super) fn forget(&mut self, store: &BlobStore, digest: &Digest<'_>, stream: StreamId) {
        self.of(store).forget_waiter(digest, stream);
    }

    /// Forgets the stores that a new policy does not have, but for those that an answer is waited
    /// for.
    pub(super) fn keep(&mut self, stores: &[BlobStore]) {
        self.0.retain(|(store, probes)| stores.contains(store) || probes.is_asking());
    }

    fn of(&mut self, store: &BlobStore) -> &mut Probes {
        let found = self.0.iter().position(|(other, _)| other == store);
        let place = found.unwrap_or(self.0.len());
        if found.is_none() {
            self.0.push((store.clone(), Probes::new(store.probing())));
        }
        #[expect(clippy::indexing_slicing, reason = "it is there: it was found, or added just now")]
        &mut self.0[place].1
    }
}

/// The question.
pub(super) fn call(store: &BlobStore, digest: &Digest<'_>) -> Call {
    let path = store.url().path(digest);
    let call = Call::new("HEAD", &path, store.url().origin().authority());
    call.to(store.cluster(), store.probing().timeout)
}

/// What the operator is told of a store that has just got into trouble.
pub(super) fn in_trouble(store: &BlobStore) -> String {
    format!(
        "portolan: the blob store `{}` is in trouble or cannot be reached; blobs come from the \
         backends meanwhile",
        store.name()
    )
}
