//! The waiting streams, with the result and the deadline of each.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_core::config::BlobStore;
use portolan_core::grammar::Digest;

use super::fingerprint::Fingerprint;
use crate::call::StreamId;

/// What a stream waits for.
#[derive(Clone, Debug)]
pub(super) enum Awaited {
    /// The token that is kept under a key.
    Token(String),
    /// Whether a store has a blob.
    Blob(Box<BlobStore>, Digest<'static>),
    /// Whether a repository has some content.
    Content(Fingerprint),
    /// How the backends are.
    Health,
    /// Whether a password is right.
    Password(Fingerprint),
}

/// Those that wait. A stream waits for one thing at a time.
#[derive(Debug, Default)]
pub(super) struct Waits(BTreeMap<StreamId, (Awaited, Option<u64>)>);

impl Waits {
    /// A stream waits from a moment on, in nanoseconds, for at most so long; without a limit until
    /// the call that it waits for has ended.
    pub(super) fn add(
        &mut self,
        stream: StreamId,
        awaited: Awaited,
        limit: Option<(u64, Duration)>,
    ) {
        let until = limit.map(|(now, limit)| {
            now.saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
        });
        self.0.insert(stream, (awaited, until));
    }

    /// A stream waits no more; what it waited for, if it did.
    pub(super) fn remove(&mut self, stream: StreamId) -> Option<Awaited> {
        self.0.remove(&stream).map(|(awaited, _)| awaited)
    }

    /// One stream that has waited long enough.
    pub(super) fn late(&self, now: u64) -> Option<StreamId> {
        let is_late = |until: &Option<u64>| until.is_some_and(|until| until <= now);
        self.0.iter().find(|(_, (_, until))| is_late(until)).map(|(stream, _)| *stream)
    }

    /// When the first stream has waited long enough.
    pub(super) fn next(&self) -> Option<u64> {
        self.0.values().filter_map(|(_, until)| *until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_as_long_as_it_may() {
        let mut waits = Waits::default();
        waits.add(1, Awaited::Token("k".to_owned()), Some((5, Duration::from_nanos(10))));
        waits.add(2, Awaited::Health, None);
        waits.add(3, Awaited::Token("k".to_owned()), Some((6, Duration::from_nanos(4))));
        assert_eq!(waits.next(), Some(10));
        assert_eq!((waits.late(9), waits.late(10)), (None, Some(3)));
        assert!(waits.remove(3).is_some() && waits.remove(3).is_none());
        assert_eq!((waits.late(14), waits.late(15)), (None, Some(1)));
        waits.remove(1);
        assert_eq!((waits.next(), waits.late(u64::MAX)), (None, None), "health has no limit here");
        assert!(matches!(waits.remove(2), Some(Awaited::Health)));
    }
}
