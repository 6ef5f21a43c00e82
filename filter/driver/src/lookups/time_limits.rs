//! The observations about backends that decide which backend is asked last, and when a read is
//! hedged.

use std::time::Duration;

use portolan_core::attempt::{Hedge, TokenSource, Wait};
use portolan_core::config::Ejection;

use super::Lookups;
use super::spared::Spared;

impl Lookups {
    /// A backend has answered 429, to something else than a client's own credentials: those have a
    /// limit of their own.
    pub(crate) fn note_limit(&mut self, backend: &str, wait: Wait, now: u64) {
        self.limits.note(backend, wait, now);
    }

    /// Whether no backend is known to be limited, or to answer nothing: a list then is asked as it
    /// is.
    #[must_use]
    pub(crate) fn nobody_is_spared(&self) -> bool {
        self.limits.is_empty() && self.paces.all_answer()
    }

    /// Which backends of a list are asked after the others, and why, in the order of the list.
    pub(crate) fn spared(&mut self, list: &[(&str, Ejection)], now: u64) -> Vec<Option<Spared>> {
        let (limits, paces) = (&mut self.limits, &mut self.paces);
        let list = list.iter().enumerate();
        list.map(|(place, (name, ejection))| {
            if limits.is_limited(name, now) {
                Some(Spared::Limited)
            } else {
                paces.is_silent(name, *ejection, place == 0, now).then_some(Spared::Silent)
            }
        })
        .collect()
    }

    /// After which time the second backend of a list is asked too while the first has not begun to
    /// answer; `None` for never. Where the host knows one of them to be down there is no second to
    /// ask, and one that may refuse its token may have to be asked again.
    pub(crate) fn hedge(&mut self, hedge: &Hedge<'_>, now: u64) -> Option<Duration> {
        let paces = &self.paces;
        let may_be = |backend| !paces.is_out(backend, now) && !paces.may_refuse(backend, now);
        let may_be_hedged = may_be(hedge.first) && may_be(hedge.second);
        may_be_hedged.then(|| self.paces.hedge(hedge, now)).flatten()
    }

    /// A backend has refused a token of the proxy's before its end, and would be shown another one.
    pub(crate) fn note_refused(&mut self, backend: &str, now: u64) {
        self.paces.note_refused(backend, now);
    }

    /// The host knows a backend to be down.
    pub(crate) fn note_out(&mut self, backend: &str, now: u64) {
        self.paces.note_out(backend, now);
    }

    /// The host takes a backend to be well.
    pub(crate) fn note_in(&mut self, backend: &str) {
        self.paces.note_in(backend);
    }

    /// A backend is asked, which another one may be beside it.
    pub(crate) fn note_asked(&mut self, backend: &str, now: u64) {
        self.paces.asked(backend, now);
    }

    /// A backend has begun its answer so many nanoseconds after it was asked.
    pub(crate) fn note_answer(&mut self, backend: &str, took: u64) {
        self.paces.answered(backend, took);
    }

    /// What came of asking the second backend of a list too: the first has answered after all
    /// (`was_in_vain`), or its request is over without an answer. What became of its own request is
    /// noted before.
    pub(crate) fn note_hedged(&mut self, first: &str, second: &str, was_in_vain: bool, now: u64) {
        self.paces.note_hedged(first, second, was_in_vain, now);
    }

    /// A request to a backend is over without an answer, so many nanoseconds after it was asked.
    pub(crate) fn note_silence(&mut self, backend: &str, took: u64, now: u64) {
        self.paces.unanswered(backend, took, now);
    }

    /// Whether the token that a backend is sent is there, or it is known that there is none: nobody
    /// would wait.
    pub(crate) fn has_token(&mut self, source: &TokenSource<'_>, now: u64) -> bool {
        self.tokens.is_there(source, now)
    }
}
