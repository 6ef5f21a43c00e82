//! Two attempts of a request at a time: the second backend is asked too while the first has not begun to answer.
//!
//! The first attempt names the cluster of the second beside it, and the second notes that both are asked. So no backend
//! is asked twice, and an answer that sends the request on waits for the other one. The attempt whose answer the
//! client gets notes that the other one was overtaken: Envoy ends that at once.

use portolan_core::attempt::{
    self, Answer, BOTH_ASKED, beside, is_one_by_one, itself, list_of, other, overtaken,
};
use portolan_core::config::HedgeAfter;
use portolan_core::contract::{StateKey, name_of};
use portolan_core::record::metric::NO_VALUE;

use super::notes;
use crate::callback::Callback;

/// What an attempt is in such a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overlap {
    place: Place,
    /// When the attempt began, in nanoseconds since 1970.
    began: u64,
    /// How long it took to begin its answer, as far as it did.
    took: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The attempts of the list follow each other.
    Alone,
    /// They may overlap; this one has not begun.
    New,
    /// It is one of them, and those of this request follow each other.
    OneByOne,
    /// It is the first: another one may begin beside it.
    First,
    /// It began beside the first.
    Second,
}

impl Overlap {
    pub(super) const fn new(may_overlap: bool) -> Self {
        let place = if may_overlap { Place::New } else { Place::Alone };
        Self { place, began: 0, took: 0 }
    }

    /// The attempt begins. `noted` is what was prepared, and what others have answered.
    pub(super) fn begin(
        &mut self,
        list: &[String],
        backend: &str,
        noted: &[u8],
        call: &mut Callback<'_>,
    ) {
        if self.place == Place::Alone {
            return;
        }
        self.began = call.exchange.now();
        self.place = Place::OneByOne;
        // An attempt before has answered, or the attempts of this request follow each other.
        if is_one_by_one(noted) || list_of(noted).is_some() {
            return;
        }
        match call.state(StateKey::NextCluster) {
            None => {
                if let Some(cluster) = beside(list, backend) {
                    self.place = Place::First;
                    call.set_state(StateKey::NextCluster, cluster.into_bytes());
                }
            }
            Some(cluster) if itself(list, backend).is_some_and(|own| own.as_bytes() == cluster) => {
                self.place = Place::Second;
                call.set_state(StateKey::NextCluster, BOTH_ASKED);
            }
            Some(_) => {}
        }
    }

    /// The backend that was asked and has not begun to answer, where this attempt began beside it.
    pub(super) fn late<'a>(&self, list: &'a [String], backend: &str) -> Option<&'a str> {
        other(list, backend).filter(|_| self.place == Place::Second)
    }

    /// Whether another attempt began while this one waited for its token.
    pub(super) fn was_overtaken(&self, call: &Callback<'_>) -> bool {
        self.place == Place::First && self.both_are_asked(call)
    }

    /// Whether there is nobody left whom Envoy could go on to.
    pub(super) fn both_are_asked(&self, call: &Callback<'_>) -> bool {
        let is_one_of_two = matches!(self.place, Place::First | Place::Second);
        is_one_of_two && call.state(StateKey::NextCluster).as_deref() == Some(BOTH_ASKED)
    }

    /// The head of the answer is there.
    pub(super) fn answered(&mut self, backend: &str, call: &mut Callback<'_>) {
        if self.place == Place::Alone || backend.is_empty() {
            return;
        }
        self.took = call.exchange.now().saturating_sub(self.began);
        let is_first = self.place == Place::First;
        call.memory.lookups.note_answer(backend, self.took, is_first);
    }

    /// The attempt is over, and its backend has not answered.
    pub(super) fn unanswered(&self, backend: &str, call: &mut Callback<'_>) {
        if self.place != Place::Alone && !backend.is_empty() {
            let now = call.exchange.now();
            let took = now.saturating_sub(self.began);
            call.memory.lookups.note_silence(backend, took, now);
        }
    }

    /// The client gets the answer of this attempt. If the other one is under way it was overtaken.
    pub(super) fn wins(&self, list: &[String], backend: &str, call: &mut Callback<'_>) {
        // Nobody is asked beside the first sooner than that, and to read a property costs.
        let is_early = u128::from(self.took) < HedgeAfter::SHORTEST.as_nanos();
        if (self.place == Place::First && is_early) || !self.both_are_asked(call) {
            return;
        }
        let mut property = call.state(StateKey::Prepared).unwrap_or_default();
        let answers = attempt::Answers::parse(&property);
        let Some(other) = other(list, backend).filter(|other| answers.of(other).is_none()) else {
            return;
        };
        property.extend_from_slice(attempt::note(other, Answer::Silent).as_bytes());
        call.set_state(StateKey::Prepared, property);
        notes::note(&overtaken(other), call);
        if list.first().is_some_and(|first| name_of(first) == backend) {
            call.set_state(StateKey::PassedOver, NO_VALUE.as_bytes());
            call.set_state(StateKey::PassedOverWhy, NO_VALUE.as_bytes());
        }
    }

    /// Whether the other attempt has noted what became of this one.
    pub(super) fn is_noted(&self, backend: &str, call: &Callback<'_>) -> bool {
        matches!(self.place, Place::First | Place::Second) && {
            let property = call.state(StateKey::Prepared).unwrap_or_default();
            attempt::Answers::parse(&property).of(backend).is_some()
        }
    }
}
