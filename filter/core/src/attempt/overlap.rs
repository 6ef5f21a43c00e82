//! Hedged reads: the second backend of a list of two is asked as well, because the first has not
//! begun its answer.
//!
//! All attempts of a request share one set of headers in Envoy, and Envoy reads it when an
//! attempt's connection is there. So while one attempt waits for its connection no other may begin
//! and none may go on from a wait: its path and its credentials would go to the backend of the
//! first. Envoy asks the second backend only when the first has its request; two backends therefore
//! never meet, and three could. Hence lists of two, and no request of which the first backend would
//! have to wait for a token.

use crate::config::{BackendList, Config, HedgeAfter, Purpose};
use crate::contract::encoding::{self, Kind};
use crate::contract::name_of;

/// When the second backend of a list is asked too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge<'c> {
    /// The name of the first backend.
    pub first: &'c str,
    /// The name of the second one.
    pub second: &'c str,
    /// After which time; never [`HedgeAfter::Never`].
    pub after: HedgeAfter,
}

/// When the second backend of a list is asked too; `None` for never: the list has not two backends,
/// one of them takes no part, the second is a registry that counts requests, or the first is a
/// cache. A cache that is slow to begin may be fetching what is asked for.
#[must_use]
pub fn hedge<'c>(config: &'c Config, list: &BackendList) -> Option<Hedge<'c>> {
    let [first, second] = list.backends() else { return None };
    if config.cache(*first).is_some() {
        return None;
    }
    let (first, second) = (config.backend(*first)?, config.backend(*second)?);
    let after = first.hedge_after();
    let both = after != HedgeAfter::Never && second.is_asked_early();
    let hedge = Hedge { first: first.name(), second: second.name(), after };
    (both && list.purpose() == Purpose::Read).then_some(hedge)
}

/// How the attempts of a request are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// They follow each other, as all of its list do.
    #[default]
    Always,
    /// They follow each other, though those of other requests to the list may overlap.
    OneByOne,
    /// Two of them may be made at a time.
    Overlapping,
}

impl Order {
    /// Adds it to the property; nothing where attempts never overlap.
    pub fn note(self, property: &mut Vec<u8>) {
        let kind = match self {
            Self::Always => return,
            Self::OneByOne => Kind::OneByOne,
            Self::Overlapping => Kind::Overlapping,
        };
        encoding::write(property, kind, std::iter::empty());
    }
}

/// What is kept of a request while both backends of its list are asked; before that it is the name
/// of the first.
pub const BOTH_ASKED: &[u8] = b"+";

/// What is kept of a request whose second attempt came to the backend that the first one is asking:
/// it waits, and there is nobody to go on to.
pub const NOBODY_ELSE: &[u8] = b"-";

/// The name of the other one of the two backends of a list.
#[must_use]
pub fn other<'a>(list: &'a [String], backend: &str) -> Option<&'a str> {
    list.iter().map(|key| name_of(key)).find(|name| *name != backend)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::answers::{Answer, note};
    use super::super::noted::{Noted, note_list};
    use portolan_policy_builder::{Backend, Policy, Rule};

    use super::*;

    const A: &str = "https://a.example";
    const B: &str = "https://b.example";
    const HUB: &str = "https://registry-1.docker.io";

    fn policy([a, b]: [(&str, Option<&str>); 2]) -> Config {
        let at = |(url, hedge_after): (&str, Option<&str>)| {
            let backend = Backend::at(url);
            hedge_after.map_or(backend.clone(), |after| backend.with("hedge_after", after))
        };
        Policy::new()
            .backend("a", at(a))
            .backend("b", at(b))
            .backend("c", at(("https://c.example", None)))
            .rule(Rule::of("two").chain(["a", "b"]))
            .rule(Rule::of("three").chain(["a", "b", "c"]))
            .rule(Rule::of("one").chain(["a"]).owner("a"))
            .read_by(Config::from_json)
    }

    #[test]
    fn lists_of_two_whose_backends_take_part() {
        let (off, usual, quarter) = (Some("off"), Some("usual"), Some("250ms"));
        let fixed = HedgeAfter::Fixed(Duration::from_millis(250));
        #[rustfmt::skip]
        let rows = [
            ((A, None), (B, None), Some(HedgeAfter::Usual), "nothing is written"),
            ((A, usual), (B, usual), Some(HedgeAfter::Usual), "both take part"),
            ((A, quarter), (B, None), Some(fixed), "the first one says when"),
            ((A, None), (B, quarter), Some(HedgeAfter::Usual), "the second one says nothing of the first"),
            ((A, off), (B, None), None, "the first takes no part"),
            ((A, None), (B, off), None, "the second takes no part: it counts who asks"),
            ((A, None), (HUB, None), None, "Docker Hub counts who asks"),
            ((A, quarter), (HUB, None), None, "the first one does not speak for it"),
            ((A, None), (HUB, usual), Some(HedgeAfter::Usual), "it is told to take part"),
            ((HUB, None), (B, None), Some(HedgeAfter::Usual), "nobody asks it more often"),
        ];
        for (a, b, after, reason) in rows {
            let config = policy([a, b]);
            let expected = after.map(|after| Hedge { first: "a", second: "b", after });
            for list in config.lists() {
                let is_two = list.cluster() == "a+b";
                let found = hedge(&config, list);
                assert_eq!(found, expected.filter(|_| is_two), "{}: {reason}", list.cluster());
            }
        }
    }

    #[test]
    fn the_other_one_of_two() {
        let list: Vec<String> = ["a", "b"].map(str::to_owned).into();
        assert_eq!(other(&list, "a"), Some("b"));
        assert_eq!(other(&list, "b"), Some("a"));
    }

    #[test]
    fn a_request_says_how_its_attempts_are_made() {
        for order in [Order::Always, Order::OneByOne, Order::Overlapping] {
            let mut noted = Vec::new();
            order.note(&mut noted);
            assert_eq!(Noted::parse(&noted).order, order);
            note_list(&mut noted, ["a", "b"].into_iter());
            note(&mut noted, "a", Answer::Missed);
            assert_eq!(Noted::parse(&noted).order, order, "other records say nothing of it");
        }
    }
}
