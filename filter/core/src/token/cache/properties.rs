//! The table of tokens under random operations: beside its naive twin, and with an obedient host.

use proptest::prelude::*;

use super::tests::{MILLISECOND, MORNING, TROUBLE, token, word};
use super::twin::Twin;
use super::{Lookup, Tokens};
use crate::token::Outcome;

#[derive(Clone, Debug)]
enum Operation {
    LookUp(u32),
    Prefetch,
    Settle(Outcome),
    Drop(&'static str),
    Forget(u32),
}

fn operation() -> impl Strategy<Value = Operation> {
    let value = || prop::sample::select(vec!["a", "b"]);
    let life = prop::sample::select(vec![0, 1, 2, 7, 12, 25, 60, 300, 1000]);
    prop_oneof![
        5 => (0_u32..5).prop_map(Operation::LookUp),
        1 => Just(Operation::Prefetch),
        3 => (value(), life).prop_map(|(value, life)| Operation::Settle(token(value, life))),
        1 => Just(Operation::Settle(Outcome::Denied)),
        2 => Just(Operation::Settle(TROUBLE)),
        1 => value().prop_map(Operation::Drop),
        1 => (0_u32..5).prop_map(Operation::Forget),
    ]
}

/// A key, how many milliseconds pass before, and what is done.
fn step() -> impl Strategy<Value = (&'static str, i64, Operation)> {
    let key = prop::sample::select(vec!["k1", "k1", "k1", "k2", "k3", "k4"]);
    let wait =
        prop::sample::select(vec![0, 0, 0, 1, 400, 600, 1000, 2000, 5000, 20_000, 60_000, -700]);
    (key, wait, operation())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_twin_agrees(steps in prop::collection::vec(step(), 1..80)) {
        let (mut tokens, mut twin) = (Tokens::new(3), Twin::new(3));
        let mut now = MORNING;
        for (key, wait, operation) in steps {
            now = now.checked_add_signed(wait * 1_000_000).unwrap();
            match operation {
                Operation::LookUp(waiter) => {
                    let found = word(&tokens.look_up(key, now, waiter));
                    prop_assert_eq!(found, twin.look_up(key, now, waiter));
                }
                Operation::Prefetch => {
                    prop_assert_eq!(tokens.prefetch(key, now), twin.prefetch(key, now));
                }
                Operation::Settle(outcome) => {
                    let expected = twin.settle(key, &outcome, now);
                    prop_assert_eq!(tokens.settle(key, outcome, now), expected);
                }
                Operation::Drop(value) => {
                    tokens.drop_token(key, value);
                    twin.drop_token(key, value);
                }
                Operation::Forget(waiter) => {
                    tokens.forget_waiter(key, waiter);
                    twin.forget_waiter(key, waiter);
                }
            }
            prop_assert_eq!(tokens.len(), twin.len());
        }
    }

    /// What a host that obeys sees: one fetch at a time and at most one a second, and every waiter
    /// is woken once, to an answer that is no second wait.
    #[test]
    fn an_obedient_host_is_served(steps in prop::collection::vec(step(), 1..80)) {
        let mut tokens = Tokens::new(8);
        let (mut now, mut last_fetch, mut waiting) = (MORNING, None, Vec::new());
        let mut in_flight = false;
        for (_, wait, operation) in steps {
            now += wait.unsigned_abs() * MILLISECOND;
            let mut starts = false;
            match operation {
                Operation::LookUp(waiter) if !waiting.contains(&waiter) => {
                    let answer = tokens.look_up("k", now, waiter);
                    starts = matches!(answer, Lookup::Fetch | Lookup::Held { refresh: true, .. });
                    waiting.extend(
                        matches!(answer, Lookup::Fetch | Lookup::Wait).then_some(waiter),
                    );
                }
                Operation::Prefetch => starts = tokens.prefetch("k", now),
                Operation::Settle(outcome) if in_flight => {
                    in_flight = false;
                    prop_assert_eq!(tokens.settle("k", outcome, now), waiting.clone());
                    for waiter in waiting.drain(..) {
                        let answer = word(&tokens.clone().look_up("k", now, waiter));
                        prop_assert!(answer != "fetch" && answer != "wait", "{}", answer);
                    }
                }
                Operation::Drop(value) => tokens.drop_token("k", value),
                Operation::Forget(waiter) => {
                    tokens.forget_waiter("k", waiter);
                    waiting.retain(|other| *other != waiter);
                }
                _ => {}
            }
            if starts {
                prop_assert!(!in_flight, "two fetches at once");
                let since = last_fetch.map_or(u64::MAX, |last| now - last);
                prop_assert!(since >= 1000 * MILLISECOND, "{since} ns after the last fetch");
                (in_flight, last_fetch) = (true, Some(now));
            }
        }
    }
}
