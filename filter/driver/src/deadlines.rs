//! Deadlines of requests: the time by which a backend must have begun its answer.

use std::collections::BTreeSet;

use crate::call::StreamId;

/// The ends that are to come, in nanoseconds since 1970, and whose they are.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BTreeSet<(u64, StreamId)>);

impl Deadlines {
    /// A stream has to have its answer by then.
    pub(crate) fn add(&mut self, until: u64, stream: StreamId) {
        self.0.insert((until, stream));
    }

    /// A stream has its answer, or is over.
    pub(crate) fn remove(&mut self, until: u64, stream: StreamId) {
        self.0.remove(&(until, stream));
    }

    /// When the next end comes.
    pub(crate) fn next(&self) -> Option<u64> {
        self.0.first().map(|(until, _)| *until)
    }

    /// The streams whose end has come. They are not looked at again.
    pub(crate) fn late(&mut self, now: u64) -> Vec<StreamId> {
        let later = self.0.split_off(&(now.saturating_add(1), StreamId::MIN));
        let late = std::mem::replace(&mut self.0, later);
        late.into_iter().map(|(_, stream)| stream).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_an_end_of_its_own() {
        let mut deadlines = Deadlines::default();
        for (until, stream) in [(30, 1), (10, 2), (10, 3), (20, 4)] {
            deadlines.add(until, stream);
        }
        deadlines.remove(10, 3);
        deadlines.remove(10, 4);
        assert_eq!(deadlines.next(), Some(10));
        assert!(deadlines.late(9).is_empty());
        assert_eq!(deadlines.late(10), [2]);
        assert_eq!((deadlines.next(), deadlines.late(100)), (Some(20), vec![4, 1]));
        assert_eq!((deadlines.next(), deadlines.late(u64::MAX)), (None, vec![]));
    }
}
