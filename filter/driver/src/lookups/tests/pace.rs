//! Paces of backends: when a read is hedged, and which backend is asked last because it answers
//! nothing.

use std::time::Duration;

use portolan_core::attempt::Hedge;
use portolan_core::config::{Ejection, HedgeAfter};

use super::super::pace::Paces;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
const EJECTION: Ejection = Ejection { failures: 3, time: Duration::from_secs(8) };

const fn of(after: HedgeAfter) -> Hedge<'static> {
    Hedge { first: "a", second: "b", after }
}

fn wait(paces: &mut Paces) -> Option<u128> {
    paces.hedge(&of(HedgeAfter::Usual), SECOND).map(|wait| wait.as_millis())
}

/// Of 200 answers of which every tenth takes the second time.
#[test]
fn the_next_is_asked_after_twice_what_is_usual() {
    #[rustfmt::skip]
    let rows = [
        (20, 20, 300, 300, "no sooner than that"),
        (20, 300, 300, 300, "a tail of one in ten is not what is usual"),
        (200, 200, 380, 480, "twice"),
        (250, 250, 480, 600, "twice"),
        (2000, 2000, 600, 600, "no later than that"),
    ];
    for (usual, other, least, most, reason) in rows {
        let mut paces = Paces::default();
        for number in 0..200 {
            let took = if number % 10 == 9 { other } else { usual };
            paces.answered("a", took * MILLISECOND);
        }
        let found = wait(&mut paces).unwrap();
        assert!((least..=most).contains(&found), "{reason}: {found}");
    }
}

#[test]
fn a_fixed_time_of_the_policy_holds() {
    let mut paces = Paces::default();
    let fixed = HedgeAfter::Fixed(Duration::from_millis(450));
    for _ in 0..9 {
        paces.unanswered("a", SECOND, SECOND);
    }
    assert_eq!(paces.hedge(&of(fixed), SECOND), Some(Duration::from_millis(450)));
    assert_eq!(paces.hedge(&of(HedgeAfter::Never), SECOND), None);
    assert_eq!(wait(&mut paces), Some(600), "a longer wait finds out whether it is slow");
}

/// Of a thousand reads at once, each of which is hedged if it may be.
#[test]
fn hedges_cost_nothing_while_the_first_hangs_and_the_second_answers() {
    #[rustfmt::skip]
    let rows = [
        (true, true, 1000, "the first hangs"),
        (true, false, 200, "both hang: the budget, its reserve and a share"),
        (false, true, 12, "the first answers after all: a sixteenth of that"),
    ];
    for (first_hangs, second_answers, expected, reason) in rows {
        let mut paces = Paces::default();
        let mut hedged: u64 = 0;
        for _ in 0..1000 {
            if wait(&mut paces).is_none() {
                continue;
            }
            hedged += 1;
            if second_answers && first_hangs {
                paces.answered("b", 20 * MILLISECOND);
            } else if first_hangs {
                paces.unanswered("b", SECOND, SECOND);
            }
            if first_hangs {
                paces.unanswered("a", 400 * MILLISECOND, SECOND);
            } else {
                paces.answered("a", SECOND);
            }
            paces.note_hedged("a", "b", !first_hangs, SECOND);
        }
        assert!(hedged.abs_diff(expected) < 10, "{reason}: {hedged}");
    }
}

/// With a budget that is used up but for its reserve: after which time a read of this millisecond
/// is hedged, where the first was asked at these and has answered at one of them.
#[test]
fn a_backend_that_hangs_shows_by_what_is_under_way() {
    const ASKED: [u64; 6] = [10, 20, 30, 40, 50, 60];
    #[rustfmt::skip]
    let rows: [(&[u64], Option<u64>, bool, u64, u128, &str); 6] = [
        (&ASKED, None, true, 500, 1500, "it may be slow"),
        (&ASKED, None, true, 510, 300, "nothing for half a second"),
        (&ASKED[..4], None, true, 510, 1500, "too few to tell"),
        (&ASKED, Some(10), true, 510, 1500, "an answer, and the first of the others is younger"),
        (&ASKED, Some(10), true, 520, 300, "half a second after that"),
        (&ASKED, None, false, 510, 1500, "the second answers nothing either"),
    ];
    for (asked, answered, second_answers, now, expected, reason) in rows {
        let at = |millisecond: u64| SECOND + millisecond * MILLISECOND;
        let mut paces = Paces::default();
        for _ in 0..3 {
            paces.note_hedged("a", "b", true, SECOND);
        }
        if !second_answers {
            paces.unanswered("b", SECOND, SECOND);
        }
        for millisecond in asked {
            paces.asked("a", at(*millisecond));
            if answered == Some(*millisecond) {
                paces.answered("a", 5 * MILLISECOND);
            }
        }
        let found = paces.hedge(&of(HedgeAfter::Usual), at(now)).unwrap();
        assert_eq!(found.as_millis(), expected, "{reason}");
    }
}

#[test]
fn the_reserve_shortens_no_time_of_the_policy() {
    let after = |milliseconds| HedgeAfter::Fixed(Duration::from_millis(milliseconds));
    let mut paces = Paces::default();
    for (vain, short, long) in
        [(0, Some(200), Some(2000)), (3, Some(1500), Some(2000)), (9, None, None)]
    {
        for _ in 0..vain {
            paces.note_hedged("a", "b", true, SECOND);
        }
        let mut wait = |milliseconds| {
            paces.hedge(&of(after(milliseconds)), SECOND).map(|wait| wait.as_millis())
        };
        assert_eq!((wait(200), wait(2000)), (short, long), "{vain}");
    }
}

/// Requests that end without an answer, each at this second and after so many milliseconds; whether
/// the backend is left then, at this second.
#[test]
fn a_backend_without_answers_for_three_seconds_is_asked_last() {
    #[rustfmt::skip]
    let rows: [(&[(u64, u64)], u64, bool, &str); 7] = [
        (&[(10, 400), (12, 400), (14, 400)], 14, true, "three in a row, over three seconds"),
        (&[(10, 400), (14, 400)], 14, false, "two"),
        (&[(10, 400), (11, 400), (12, 400)], 12, false, "within two seconds: it may be slow"),
        (&[(10, 400), (11, 400), (12, 400)], 13, true, "and then nothing more"),
        (&[(10, 50), (12, 50), (14, 50)], 14, false, "clients that went away at once"),
        (&[(10, 3000), (10, 3000), (10, 3000)], 10, true, "at a time, each for three seconds"),
        (&[], 14, false, "nothing was asked"),
    ];
    for (ends, now, expected, reason) in rows {
        let mut paces = Paces::default();
        for (at, took) in ends {
            paces.unanswered("a", took * MILLISECOND, at * SECOND);
        }
        assert_eq!(paces.is_silent("a", EJECTION, false, now * SECOND), expected, "{reason}");
    }
}

#[test]
fn one_request_at_a_time_finds_out_how_it_is() {
    let mut paces = Paces::default();
    for at in [10, 12, 14] {
        paces.unanswered("a", 400 * MILLISECOND, at * SECOND);
    }
    let first = |paces: &mut Paces, at: u64| paces.is_silent("a", EJECTION, true, at);
    assert!(!first(&mut paces, 14 * SECOND), "one request tries");
    assert!(first(&mut paces, 14 * SECOND + 1), "the next does not");
    paces.unanswered("a", 800 * MILLISECOND, 14 * SECOND + 800 * MILLISECOND);
    assert!(first(&mut paces, 22 * SECOND), "for as long as `ejection.time` says");
    assert!(!first(&mut paces, 23 * SECOND), "another one tries");
    assert!(first(&mut paces, 23 * SECOND + 1));
    assert!(!first(&mut paces, 25 * SECOND), "that one never came back");
    paces.answered("a", 20 * MILLISECOND);
    assert!(!first(&mut paces, 26 * SECOND), "it answers");
    assert!(paces.all_answer());
}

#[test]
fn a_backend_that_is_down_is_remembered_for_five_seconds() {
    let mut paces = Paces::default();
    paces.note_out("a", 10 * SECOND);
    let found = [10, 14, 15, 4].map(|at| paces.is_out("a", at * SECOND));
    assert_eq!(found, [true, true, false, false], "the last one by a clock that was set back");
    assert!(!paces.is_out("b", 10 * SECOND));
    paces.note_in("a");
    assert!(!paces.is_out("a", 11 * SECOND), "the host has chosen it");
    assert!(paces.all_answer(), "it is not left for that");
}

#[test]
fn a_clock_that_was_set_back() {
    let mut paces = Paces::default();
    for at in [110, 112, 114] {
        paces.unanswered("a", 400 * MILLISECOND, at * SECOND);
    }
    assert!(!paces.is_silent("a", EJECTION, true, 114 * SECOND));
    assert!(!paces.is_silent("a", EJECTION, true, 20 * SECOND));
}

/// Requests under way are counted anew then: the first of them is of the future.
#[test]
fn a_backend_that_hangs_shows_after_a_clock_was_set_back() {
    let mut paces = Paces::default();
    paces.note_hedged("a", "b", true, SECOND);
    paces.asked("a", 114 * SECOND);
    for _ in 0..5 {
        paces.asked("a", 20 * SECOND);
    }
    let mut after = |millisecond| {
        let now = 20 * SECOND + millisecond * MILLISECOND;
        paces.hedge(&of(HedgeAfter::Usual), now).map(|wait| wait.as_millis())
    };
    assert_eq!((after(400), after(500)), (Some(1500), Some(300)));
}

#[test]
fn another_policy() {
    let mut paces = Paces::default();
    for at in [10, 12, 14] {
        paces.unanswered("a", 400 * MILLISECOND, at * SECOND);
    }
    assert!(!paces.all_answer());
    paces.forget_all();
    assert!(paces.all_answer() && !paces.is_silent("a", EJECTION, false, 15 * SECOND));
}
