//! The walk of a question, step by step.

use super::*;

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MORNING: u64 = 1_780_000_000 * SECOND;

const SETTINGS: Probing = Probing {
    present: Duration::from_mins(1),
    absent: Duration::from_secs(5),
    recheck: Duration::from_secs(10),
    timeout: Duration::from_secs(1),
    entries: 3,
};

/// The digest of the blob with this number.
pub(super) fn digest(number: u64) -> Digest<'static> {
    Digest::parse(format!("sha256:{number:064x}").as_bytes()).unwrap().into_owned()
}

fn woken(probes: &mut Probes, number: u64, finding: Finding, now: u64) -> Vec<u32> {
    probes.settle(&digest(number), finding, now).into_iter().collect()
}

const UNKNOWN: Lookup = Lookup::Known(Presence::Unknown);

#[test]
fn one_question_for_all_streams_that_wait() {
    let mut probes = Probes::new(SETTINGS);
    assert_eq!(probes.look_up(&digest(1), MORNING, 10), Lookup::Ask);
    for waiter in 11..1010 {
        assert_eq!(probes.look_up(&digest(1), MORNING, waiter), Lookup::Wait);
    }
    assert_eq!(probes.look_up(&digest(2), MORNING, 7), Lookup::Ask, "another blob");
    for waiter in 10..1000 {
        probes.forget_waiter(&digest(1), waiter);
    }
    let still_there: Vec<u32> = (1000..1010).collect();
    assert_eq!(woken(&mut probes, 1, Finding::Present, MORNING), still_there);
    let known = probes.look_up(&digest(1), MORNING, 10);
    assert_eq!(known, Lookup::Known(Presence::Present), "also for those who come back");
    assert_eq!(woken(&mut probes, 1, Finding::Absent, MORNING), [0_u32; 0], "nobody asked");
}

#[test]
fn the_last_waiter_goes_and_the_answer_is_kept() {
    let mut probes = Probes::new(SETTINGS);
    probes.look_up(&digest(1), MORNING, 1);
    probes.forget_waiter(&digest(1), 1);
    assert_eq!(woken(&mut probes, 1, Finding::Present, MORNING), [0_u32; 0]);
    assert_eq!(probes.look_up(&digest(1), MORNING, 2), Lookup::Known(Presence::Present));
}

#[test]
fn results_of_probes_and_how_long_they_are_remembered() {
    use Finding::{Absent, Present, Trouble, Unclear};
    #[rustfmt::skip]
    let rows = [
        (Present, 9, Lookup::Known(Presence::Present), "it is there"),
        (Present, 10, Lookup::Confirm(Presence::Present), "is the store still well?"),
        (Present, 59, Lookup::Confirm(Presence::Present), "a minute is a minute"),
        (Present, 60, Lookup::Ask, "then it is asked again"),
        (Absent, 4, Lookup::Known(Presence::Absent), "for a short time"),
        (Absent, 5, Lookup::Ask, "it may have been put there"),
        (Unclear, 0, Lookup::Ask, "what was not said is not remembered"),
        (Trouble, 1, UNKNOWN, "nobody waits for a store in trouble"),
        (Trouble, 2, Lookup::Ask, "one request finds out"),
    ];
    for (finding, seconds, expected, reason) in rows {
        let mut probes = Probes::new(SETTINGS);
        assert_eq!(probes.look_up(&digest(1), MORNING, 1), Lookup::Ask);
        assert_eq!(woken(&mut probes, 1, finding, MORNING), [1]);
        let found = probes.look_up(&digest(1), MORNING + seconds * SECOND, 2);
        assert_eq!(found, expected, "{finding:?} after {seconds} s: {reason}");
    }
}

#[test]
fn a_store_in_trouble_holds_one_request_and_not_all() {
    let mut probes = Probes::new(SETTINGS);
    assert_eq!(probes.look_up(&digest(1), MORNING, 1), Lookup::Ask);
    assert_eq!(woken(&mut probes, 1, Finding::Present, MORNING), [1]);
    for number in 2..5 {
        assert_eq!(probes.look_up(&digest(number), MORNING, 1), Lookup::Ask);
    }
    woken(&mut probes, 2, Finding::Trouble, MORNING);
    assert_eq!(probes.look_up(&digest(3), MORNING, 9), UNKNOWN, "though it is being asked");
    assert_eq!(probes.look_up(&digest(5), MORNING, 9), UNKNOWN, "another blob");
    assert_eq!(probes.look_up(&digest(1), MORNING, 9), UNKNOWN, "nor is anybody sent there");
    woken(&mut probes, 3, Finding::Trouble, MORNING);
    woken(&mut probes, 4, Finding::Trouble, MORNING);
    let later = MORNING + 2 * SECOND;
    assert_eq!(probes.look_up(&digest(5), later, 1), Lookup::Ask, "one finds out");
    assert_eq!(probes.look_up(&digest(5), later, 2), UNKNOWN, "the others do not wait for it");
    assert_eq!(probes.look_up(&digest(6), later, 3), UNKNOWN, "nor for their own");
    assert_eq!(woken(&mut probes, 5, Finding::Unclear, later), [1]);
    assert_eq!(probes.look_up(&digest(6), later, 3), Lookup::Ask, "it answers again");
}

/// One question by the way, which nobody waits for, tells that a store went down, and that it is
/// back.
#[test]
fn no_client_is_redirected_to_a_store_that_went_down() {
    let known = Lookup::Known(Presence::Present);
    let mut probes = Probes::new(SETTINGS);
    for number in 1..3 {
        probes.look_up(&digest(number), MORNING, 1);
        woken(&mut probes, number, Finding::Present, MORNING);
    }
    let due = MORNING + 10 * SECOND;
    assert_eq!(probes.look_up(&digest(1), due - 1, 1), known);
    assert_eq!(probes.look_up(&digest(1), due, 1), Lookup::Confirm(Presence::Present));
    assert_eq!(probes.look_up(&digest(1), due, 2), known, "one question at a time");
    assert_eq!(probes.look_up(&digest(2), due + SECOND, 2), known, "about any blob");
    assert_eq!(woken(&mut probes, 1, Finding::Present, due), [0_u32; 0]);
    let down = due + 10 * SECOND;
    assert_eq!(probes.look_up(&digest(2), down, 1), Lookup::Confirm(Presence::Present));
    assert_eq!(woken(&mut probes, 2, Finding::Trouble, down), [0_u32; 0]);
    assert_eq!(probes.look_up(&digest(1), down + SECOND, 1), UNKNOWN, "whatever the blob");
    let later = down + 2 * SECOND;
    assert_eq!(probes.look_up(&digest(1), later, 1), Lookup::Confirm(Presence::Unknown));
    assert_eq!(probes.look_up(&digest(2), later, 1), UNKNOWN, "not before it has answered");
    assert_eq!(woken(&mut probes, 1, Finding::Present, later), [0_u32; 0]);
    assert_eq!(probes.look_up(&digest(2), later, 1), known, "and is remembered to be there");
}

#[test]
fn a_store_that_does_not_say_any_more_loses_the_blob_and_nothing_else() {
    let mut probes = Probes::new(SETTINGS);
    for number in 1..3 {
        probes.look_up(&digest(number), MORNING, 1);
        woken(&mut probes, number, Finding::Present, MORNING);
    }
    let due = MORNING + 10 * SECOND;
    assert_eq!(probes.look_up(&digest(1), due, 1), Lookup::Confirm(Presence::Present));
    woken(&mut probes, 1, Finding::Unclear, due);
    assert_eq!(probes.look_up(&digest(1), due, 1), Lookup::Ask);
    assert_eq!(probes.look_up(&digest(2), due, 1), Lookup::Known(Presence::Present));
    assert_eq!(probes.remembered(), 1);
}

#[test]
fn used_results_stay_in_a_bounded_table() {
    let mut probes = Probes::new(SETTINGS);
    for number in 1..1000 {
        probes.look_up(&digest(number), MORNING, 1);
        woken(&mut probes, number, Finding::Present, MORNING);
        assert!(probes.remembered() <= 3);
        let first = probes.look_up(&digest(1), MORNING, 1);
        assert_eq!(first, Lookup::Known(Presence::Present), "used every time");
    }
    assert_eq!(probes.look_up(&digest(500), MORNING, 1), Lookup::Ask, "long gone");
}

#[test]
fn a_flood_of_blobs_delays_no_stream() {
    let mut probes = Probes::new(SETTINGS);
    for number in 0..u64::try_from(IN_FLIGHT).unwrap() {
        assert_eq!(probes.look_up(&digest(number), MORNING, 1), Lookup::Ask);
    }
    assert_eq!(probes.look_up(&digest(99_999), MORNING, 2), UNKNOWN);
    assert_eq!(probes.look_up(&digest(0), MORNING, 2), Lookup::Wait, "it is being asked");
}

#[test]
fn a_clock_that_is_set_back_costs_a_question() {
    let mut probes = Probes::new(SETTINGS);
    probes.look_up(&digest(1), MORNING, 1);
    woken(&mut probes, 1, Finding::Absent, MORNING);
    assert_eq!(probes.look_up(&digest(1), MORNING - SECOND, 2), Lookup::Ask);
}
