//! The probes of a store under random operations: beside the naive twin, and with an obedient host.

use std::time::Duration;

use proptest::prelude::*;

use super::tests::{MORNING, digest};
use super::twin::Twin;
use super::{Finding, IN_FLIGHT, Lookup, Presence, Probes};
use portolan_core::config::Probing;

#[derive(Clone, Debug)]
enum Operation {
    LookUp(u32),
    Settle(Finding),
    Forget(u32),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Finding::{Absent, Present, Trouble, Unclear};
    let finding =
        prop::sample::select(vec![Present, Present, Present, Absent, Unclear, Trouble, Trouble]);
    prop_oneof![
        6 => (0_u32..5).prop_map(Operation::LookUp),
        4 => finding.prop_map(Operation::Settle),
        1 => (0_u32..5).prop_map(Operation::Forget),
    ]
}

/// A blob, how many milliseconds pass before, and what is done.
fn step() -> impl Strategy<Value = (u64, i64, Operation)> {
    let blob = prop::sample::select(vec![1, 1, 1, 2, 2, 3, 4, 5]);
    let wait = prop::sample::select(vec![0, 0, 0, 1, 500, 1999, 2000, 4000, 9000, 61_000, -700]);
    (blob, wait, operation())
}

const SETTINGS: Probing = Probing {
    present: Duration::from_mins(1),
    absent: Duration::from_secs(5),
    recheck: Duration::from_secs(3),
    timeout: Duration::from_secs(1),
    entries: 3,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_twin_agrees(steps in prop::collection::vec(step(), 1..80)) {
        let (mut probes, mut twin) = (Probes::new(SETTINGS), Twin::new(SETTINGS, IN_FLIGHT));
        let mut now = MORNING;
        for (blob, wait, operation) in steps {
            now = now.checked_add_signed(wait * 1_000_000).unwrap();
            let name = blob.to_string();
            let digest = digest(blob);
            match operation {
                Operation::LookUp(waiter) => {
                    let found = probes.look_up(&digest, now, waiter);
                    prop_assert_eq!(found, twin.look_up(&name, now, waiter));
                }
                Operation::Settle(finding) => {
                    let woken = probes.settle(&digest, finding, now);
                    prop_assert_eq!(woken, twin.settle(&name, finding, now));
                }
                Operation::Forget(waiter) => {
                    probes.forget_waiter(&digest, waiter);
                    twin.forget_waiter(&name, waiter);
                }
            }
            prop_assert_eq!(probes.remembered(), twin.remembered());
            prop_assert!(probes.remembered() <= SETTINGS.entries);
        }
    }

    /// What a host that obeys sees: one question at a time about a blob, every waiter woken once,
    /// and while the store is in trouble at most one question in two seconds.
    #[test]
    fn an_obedient_host_is_served(steps in prop::collection::vec(step(), 1..80)) {
        let mut probes = Probes::new(SETTINGS);
        let mut now = MORNING;
        let mut asked: Vec<(u64, Vec<u32>)> = Vec::new();
        let mut failed_at = None;
        for (blob, wait, operation) in steps {
            now += wait.unsigned_abs() * 1_000_000;
            let place = asked.iter().position(|(other, _)| *other == blob);
            match operation {
                Operation::LookUp(waiter) => match probes.look_up(&digest(blob), now, waiter) {
                    Lookup::Known(_) => {}
                    Lookup::Wait => {
                        let (_, waiters) = &mut asked[place.unwrap()];
                        if !waiters.contains(&waiter) {
                            waiters.push(waiter);
                        }
                    }
                    Lookup::Ask => {
                        prop_assert!(place.is_none(), "two questions about one blob at once");
                        let since = failed_at.map_or(u64::MAX, |at| now - at);
                        prop_assert!(since >= 2_000_000_000, "{since} ns after trouble");
                        asked.push((blob, vec![waiter]));
                    }
                    Lookup::Confirm(_) => {
                        prop_assert!(place.is_none(), "two questions about one blob at once");
                        let since = failed_at.map_or(u64::MAX, |at| now - at);
                        prop_assert!(since >= 2_000_000_000, "{since} ns after trouble");
                        asked.push((blob, Vec::new()));
                    }
                },
                Operation::Settle(finding) => {
                    let Some(place) = place else { continue };
                    let (_, expected) = asked.remove(place);
                    let woken = probes.settle(&digest(blob), finding, now);
                    prop_assert_eq!(woken, expected);
                    failed_at = match finding {
                        Finding::Trouble => failed_at.or(Some(now)),
                        _ => None,
                    };
                    if finding.presence() != Presence::Unknown {
                        let again = probes.clone().look_up(&digest(blob), now, 9);
                        prop_assert_eq!(again, Lookup::Known(finding.presence()));
                    }
                }
                Operation::Forget(waiter) => {
                    probes.forget_waiter(&digest(blob), waiter);
                    if let Some(place) = place {
                        asked[place].1.retain(|other| *other != waiter);
                    }
                }
            }
        }
    }
}
