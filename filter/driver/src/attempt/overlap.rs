//! Two attempts of a request at a time: the second backend is asked too while the first has not
//! begun its answer (a hedged read).
//!
//! For a hedged request, Envoy chooses the cluster of the list once (`refresh_cluster_on_retry`
//! does nothing then), and in it the next backend that it believes to be up. If the other backend
//! is down, Envoy chooses the first one again. So each attempt notes its backend. An attempt at a
//! backend that is already asked sends nothing: it waits for the other attempt, or ends the request
//! if that one is over. The attempt whose answer the client gets notes that the other one was
//! overtaken, because Envoy then ends the other one at once.

use portolan_core::attempt::{self, Answer, Answers, BOTH_ASKED, NOBODY_ELSE, Noted, Order, other};
use portolan_core::config::HedgeAfter;
use portolan_core::contract::{StateKey, name_of};
use portolan_core::record::metric::NO_VALUE;
use portolan_core::record::{Attempted, Tried};

use super::notes;
use crate::callback::Callback;

/// Whether an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is.
    Asks,
    /// Its backend is asked already: it waits for what comes of that.
    Waits,
    /// Its backend has answered already and would say the same, and Envoy has nobody else: the
    /// request ends.
    Ends,
}

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
    /// They may overlap; those of this request follow each other.
    OneByOne,
    /// It is the first: another one may begin beside it.
    First,
    /// It began beside the first.
    Second,
}

impl Overlap {
    pub(super) const fn new() -> Self {
        Self { place: Place::Alone, began: 0, took: 0 }
    }

    /// The attempt begins, at a backend that may have answered `before`. `noted` is what it found.
    pub(super) fn begin(
        &mut self,
        list: &[String],
        (backend, before): (&str, Option<Answer>),
        noted: &Noted,
        call: &mut Callback<'_>,
    ) -> Turn {
        let was_asked = before.is_some_and(|answer| answer != Answer::Again);
        // Whoever is asked later in a request whose attempts follow each other is one of many.
        let is_later = noted.order == Order::OneByOne && noted.is_answered();
        if noted.order == Order::Always || is_later || backend.is_empty() {
            return if was_asked { Turn::Ends } else { Turn::Asks };
        }
        self.began = call.exchange.now();
        let turn = if noted.order == Order::OneByOne {
            self.place = Place::OneByOne;
            if !noted.spares {
                self.note_who_is_out(list, backend, call);
            }
            Turn::Asks
        } else {
            self.turn(list, (backend, before.is_some()), noted, call)
        };
        let turn = if was_asked { Turn::Ends } else { turn };
        if turn == Turn::Asks {
            call.memory.lookups.note_asked(backend, self.began);
        }
        turn
    }

    /// Its turn, where the attempts of the request may overlap. `has_answered` says that its
    /// backend has.
    fn turn(
        &mut self,
        list: &[String],
        (backend, has_answered): (&str, bool),
        noted: &Noted,
        call: &mut Callback<'_>,
    ) -> Turn {
        self.place = Place::OneByOne;
        let was_answered = noted.is_answered();
        match call.state(StateKey::Overlap) {
            None => {
                self.note_who_is_out(list, backend, call);
                self.place = Place::First;
                call.set_state(StateKey::Overlap, backend.as_bytes().to_vec());
            }
            Some(first) if first == backend.as_bytes() => {
                if let Some(other) = other(list, backend) {
                    call.memory.lookups.note_out(other, self.began);
                }
                if was_answered {
                    return if has_answered { Turn::Asks } else { Turn::Ends };
                }
                call.set_state(StateKey::Overlap, NOBODY_ELSE);
                return Turn::Waits;
            }
            Some(_) if !was_answered => {
                self.place = Place::Second;
                call.set_state(StateKey::Overlap, BOTH_ASKED);
            }
            // The attempt before has answered, so there is one at a time.
            Some(_) => {}
        }
        Turn::Asks
    }

    /// Remembers whom Envoy knows to be down: the first attempt passes it over.
    fn note_who_is_out(&self, list: &[String], backend: &str, call: &mut Callback<'_>) {
        for name in list.iter().map(|key| name_of(key)).take_while(|name| *name != backend) {
            call.memory.lookups.note_out(name, self.began);
        }
        call.memory.lookups.note_in(backend);
    }

    /// The backend that was asked and has not begun to answer, where this attempt began beside it.
    pub(super) fn late<'a>(&self, list: &'a [String], backend: &str) -> Option<&'a str> {
        other(list, backend).filter(|_| self.place == Place::Second)
    }

    /// Whether another attempt began while this one waited for its token.
    pub(super) fn was_overtaken(&self, call: &Callback<'_>) -> bool {
        self.place == Place::First && self.both_are_asked(call)
    }

    /// Whether both backends are asked.
    fn both_are_asked(&self, call: &Callback<'_>) -> bool {
        self.asked(call).as_deref() == Some(BOTH_ASKED)
    }

    /// What is kept of who is asked, where two may be at a time.
    fn asked(&self, call: &Callback<'_>) -> Option<Vec<u8>> {
        let is_one_of_two = matches!(self.place, Place::First | Place::Second);
        is_one_of_two.then(|| call.state(StateKey::Overlap)).flatten()
    }

    /// Whether an answer that is not the client's waits for another attempt, where Envoy makes no
    /// further one; `None` where it does. `before` is what others have answered.
    pub(super) fn waits_for_the_other(
        &self,
        list: &[String],
        backend: &str,
        before: &Answers,
        call: &Callback<'_>,
    ) -> Option<bool> {
        match self.asked(call)?.as_slice() {
            BOTH_ASKED => Some(other(list, backend).is_some_and(|one| before.of(one).is_none())),
            NOBODY_ELSE => Some(false),
            _ => None,
        }
    }

    /// The head of the answer is there.
    pub(super) fn answered(&mut self, list: &[String], backend: &str, call: &mut Callback<'_>) {
        if self.place == Place::Alone || backend.is_empty() {
            return;
        }
        let now = call.exchange.now();
        self.took = now.saturating_sub(self.began);
        call.memory.lookups.note_answer(backend, self.took);
        if self.is_late() {
            self.note_hedged(list, backend, true, now, call);
        }
    }

    /// The attempt is over, and its backend has not answered.
    pub(super) fn unanswered(&self, list: &[String], backend: &str, call: &mut Callback<'_>) {
        // Who was asked later, and whose request ended because the other one answered, may be well.
        let is_overtaken = self.place == Place::Second && self.is_noted(backend, call);
        if self.place == Place::Alone || backend.is_empty() || is_overtaken {
            return;
        }
        let now = call.exchange.now();
        let took = now.saturating_sub(self.began);
        call.memory.lookups.note_silence(backend, took, now);
        self.note_hedged(list, backend, false, now, call);
    }

    /// Says what came of asking the second one too, where this was the first.
    fn note_hedged(
        &self,
        list: &[String],
        backend: &str,
        was_in_vain: bool,
        now: u64,
        call: &mut Callback<'_>,
    ) {
        if self.place == Place::First
            && self.both_are_asked(call)
            && let Some(other) = other(list, backend)
        {
            call.memory.lookups.note_hedged(backend, other, was_in_vain, now);
        }
    }

    /// Whether this was the first, and another may have been asked before it answered: to read a
    /// property costs.
    fn is_late(&self) -> bool {
        self.place == Place::First && u128::from(self.took) >= HedgeAfter::SHORTEST.as_nanos()
    }

    /// The client gets the answer of this attempt. If the other one is under way it was overtaken.
    pub(super) fn wins(&self, list: &[String], backend: &str, call: &mut Callback<'_>) {
        if (self.place == Place::First && !self.is_late()) || !self.both_are_asked(call) {
            return;
        }
        let mut property = call.state(StateKey::Prepared).unwrap_or_default();
        let answers = Answers::parse(&property);
        let Some(other) = other(list, backend).filter(|other| answers.of(other).is_none()) else {
            return;
        };
        attempt::note(&mut property, other, Answer::Silent);
        call.set_state(StateKey::Prepared, property);
        notes::note(Attempted { backend: other, result: Tried::Overtaken }, call);
        if list.first().is_some_and(|first| name_of(first) == backend) {
            call.set_state(StateKey::PassedOver, NO_VALUE.as_bytes());
            call.set_state(StateKey::PassedOverWhy, NO_VALUE.as_bytes());
        }
    }

    /// Whether the other attempt has noted what became of this one.
    pub(super) fn is_noted(&self, backend: &str, call: &Callback<'_>) -> bool {
        matches!(self.place, Place::First | Place::Second) && {
            let property = call.state(StateKey::Prepared).unwrap_or_default();
            Answers::parse(&property).of(backend).is_some()
        }
    }
}
