//! Since when things are as they are, as far as the command has watched.

use std::collections::{BTreeMap, BTreeSet};

/// What was so when all was looked at last, and since when. Envoy's numbers have no such times in them: only who
/// watches knows.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    known: BTreeMap<String, Option<String>>,
    is_begun: bool,
}

impl History {
    /// Notes everything that is so at a moment.
    pub(super) fn note(&mut self, facts: BTreeSet<String>, at: &str) {
        let now = self.is_begun.then(|| at.to_owned());
        let since = |fact: &String| self.known.get(fact).cloned().unwrap_or_else(|| now.clone());
        let known = facts.into_iter().map(|fact| (fact.clone(), since(&fact))).collect();
        (self.known, self.is_begun) = (known, true);
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
            history.note(facts.iter().map(|fact| (*fact).to_owned()).collect(), &at.to_string());
            let found = ["a", "b"].map(|fact| history.since(fact));
            assert_eq!(found.each_ref().map(Option::as_deref), wanted, "{at}: {reason}");
        }
    }
}
