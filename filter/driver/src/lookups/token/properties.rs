//! The table of tokens under random operations: beside its naive twin, and with an obedient host.

use proptest::prelude::*;

use super::tests::{DENIED, MILLISECOND, MORNING, TROUBLE, token, word};
use super::twin::Twin;
use super::{Lookup, Tokens};
use portolan_core::token::{Outcome, Refusal};

#[derive(Clone, Debug)]
enum Operation {
    LookUp(u32),
    Prefetch,
    Settle(Outcome),
    Refuse(&'static str),
    Forget(u32),
}

fn operation() -> impl Strategy<Value = Operation> {
    let value = || prop::sample::select(vec!["a", "b"]);
    let life = prop::sample::select(vec![0, 1, 2, 7, 12, 25, 60, 300, 1000]);
    prop_oneof![
        5 => (0_u32..5).prop_map(Operation::LookUp),
        1 => Just(Operation::Prefetch),
        3 => (value(), life).prop_map(|(value, life)| Operation::Settle(token(value, life))),
        1 => Just(Operation::Settle(DENIED)),
        2 => Just(Operation::Settle(TROUBLE)),
        1 => value().prop_map(Operation::Refuse),
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
        let (mut tokens, mut twin) = (Tokens::new(3, usize::MAX), Twin::new(3));
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
                Operation::Refuse(value) => {
                    tokens.refuse(key, value, Refusal::Renew, now);
                    twin.refuse(key, value, now);
                }
                Operation::Forget(waiter) => {
                    tokens.forget_waiter(key, waiter);
                    twin.forget_waiter(key, waiter);
                }
            }
            prop_assert_eq!(tokens.len(), twin.len());
        }
    }

    /// What a host that obeys sees: one fetch at a time and at most two in a second (the second
    /// replaces a token that was refused at once), and every waiter is woken once, to an answer
    /// that is no second wait.
    #[test]
    fn an_obedient_host_is_served(steps in prop::collection::vec(step(), 1..80)) {
        let mut tokens = Tokens::new(8, usize::MAX);
        let (mut now, mut fetches, mut waiting) = (MORNING, Vec::new(), Vec::new());
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
                Operation::Refuse(value) => {
                    tokens.refuse("k", value, Refusal::Renew, now);
                }
                Operation::Forget(waiter) => {
                    tokens.forget_waiter("k", waiter);
                    waiting.retain(|other| *other != waiter);
                }
                _ => {}
            }
            if starts {
                prop_assert!(!in_flight, "two fetches at once");
                let before: Option<&u64> = fetches.iter().rev().nth(1);
                let since = before.map_or(u64::MAX, |before| now - before);
                prop_assert!(since >= 1000 * MILLISECOND, "{since} ns after the last fetch but one");
                in_flight = true;
                fetches.push(now);
            }
        }
    }
}
