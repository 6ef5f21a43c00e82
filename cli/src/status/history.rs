//! Since when things are as they are, as far as the command has watched.

use std::collections::{BTreeMap, BTreeSet};

/// What was so when all was looked at last, and since when. Envoy's numbers have no such times in
/// them: only who watches knows.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    known: BTreeMap<String, Option<String>>,
    /// What was so until a moment ago: since when, and how many seconds it is not.
    paused: BTreeMap<String, (Option<String>, f64)>,
    is_begun: bool,
}

/// What is not so for less than that, in seconds, and then again, has not been over. Envoy adds to
/// histograms every five seconds, so between two looks there may be nothing that tells that a
/// backend is slow.
const PAUSE: f64 = 10.0;

impl History {
    /// Notes everything that is so at a moment, so many seconds after the last one. `may_pause` are
    /// the facts that are not over when nothing tells of them for a while.
    pub(super) fn note(
        &mut self,
        facts: BTreeSet<String>,
        at: &str,
        seconds: f64,
        may_pause: impl Fn(&str) -> bool,
    ) {
        let mut before = std::mem::take(&mut self.known);
        let mut paused = std::mem::take(&mut self.paused);
        paused.retain(|_, (_, pause)| {
            *pause += seconds;
            *pause < PAUSE
        });
        let now = self.is_begun.then(|| at.to_owned());
        let mut since = |fact: &String| {
            let again = || paused.remove(fact).map(|(since, _)| since);
            before.remove(fact).or_else(again).unwrap_or_else(|| now.clone())
        };
        self.known = facts.into_iter().map(|fact| (fact.clone(), since(&fact))).collect();
        let over = before.into_iter().filter(|(fact, _)| may_pause(fact));
        let over = over.map(|(fact, since)| (fact, (since, 0.0)));
        self.paused = paused.into_iter().chain(over).collect();
        self.is_begun = true;
    }

    /// Since when a fact is so; `None` if it was so from the beginning, or is not so.
    pub(super) fn since(&self, fact: &str) -> Option<String> {
        self.known.get(fact).cloned().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is so, since when `a` and `b` are, and the reason.
    type Row<'a> = (&'a [&'a str], [Option<&'a str>; 2], &'a str);

    #[test]
    fn changes_are_dated() {
        #[rustfmt::skip]
        let rows: [Row<'_>; 6] = [
            (&["a"], [None, None], "who knows since when"),
            (&["a"], [None, None], "still so"),
            (&["a", "b"], [None, Some("2")], "new"),
            (&["a", "b"], [None, Some("2")], "still so"),
            (&["b"], [None, Some("2")], "the other is over"),
            (&["a", "b"], [Some("5"), Some("2")], "and comes again"),
        ];
        let mut history = History::default();
        for (at, (facts, wanted, reason)) in rows.into_iter().enumerate() {
            let facts = facts.iter().map(|fact| (*fact).to_owned()).collect();
            history.note(facts, &at.to_string(), PAUSE, |_| true);
            let found = ["a", "b"].map(|fact| history.since(fact));
            assert_eq!(found.each_ref().map(Option::as_deref), wanted, "{at}: {reason}");
        }
    }

    #[test]
    fn a_pause_is_no_end() {
        #[rustfmt::skip]
        let rows = [
            (&["a"][..], 4.0, Some("1"), "it begins"),
            (&[], 4.0, None, "nothing tells so"),
            (&["a"], 4.0, Some("1"), "it went on"),
            (&[], 4.0, None, ""),
            (&[], 4.0, None, ""),
            (&["a"], 4.0, Some("1"), "eight seconds are none"),
            (&[], 4.0, None, ""),
            (&[], 6.0, None, ""),
            (&["a"], 4.0, Some("9"), "ten are an end"),
        ];
        let mut history = History::default();
        history.note(BTreeSet::new(), "0", 0.0, |_| true);
        for (at, (facts, seconds, wanted, reason)) in (1..).zip(rows) {
            let facts = facts.iter().map(|fact: &&str| (*fact).to_owned()).collect();
            history.note(facts, &i32::to_string(&at), seconds, |_| true);
            assert_eq!(history.since("a").as_deref(), wanted, "{at}: {reason}");
        }
    }

    #[test]
    fn a_fact_that_may_not_pause_ends_at_once() {
        let mut history = History::default();
        let rows = [(true, Some("1")), (false, None), (true, Some("3"))];
        history.note(BTreeSet::new(), "0", 0.0, |_| false);
        for (at, (is_so, wanted)) in (1..).zip(rows) {
            let facts = is_so.then(|| "a".to_owned()).into_iter().collect();
            history.note(facts, &i32::to_string(&at), 1.0, |_| false);
            assert_eq!(history.since("a").as_deref(), wanted, "{at}");
        }
    }
}
