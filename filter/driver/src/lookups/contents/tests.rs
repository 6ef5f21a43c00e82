use super::*;

const SECOND: u64 = 1_000_000_000;
const KNOWN: Known = Known {
    present: Duration::from_secs(100),
    absent: Duration::from_secs(10),
    timeout: Duration::from_secs(2),
    entries: 2,
};

fn contents() -> Contents {
    Contents { capacity: 2, memory: Memory::new(2), ..Contents::new(Key::new(1, 2)) }
}

fn pair(name: &str) -> Fingerprint {
    Key::new(1, 2).fingerprint(b"policy", name.as_bytes())
}

fn look_up(contents: &mut Contents, name: &str, stream: StreamId, seconds: u64) -> Lookup {
    contents.look_up(pair(name), KNOWN, stream, seconds * SECOND)
}

#[test]
fn answers_of_fills_and_how_long_they_count() {
    use Presence::{Absent, Present, Unknown};
    #[rustfmt::skip]
    let rows = [
        (Some(200), Present, 100, "the chain has it"),
        (Some(404), Absent, 10, "no registry of the chain has it"),
        (Some(503), Unknown, 0, "a registry could not be asked"),
        (Some(429), Unknown, 0, "a registry is limited"),
        (Some(401), Unknown, 0, "a refusal is no answer about content"),
        (Some(403), Unknown, 0, "a refusal is no answer about content"),
        (Some(307), Unknown, 0, "it is delivered from elsewhere, and nobody has looked there"),
        (None, Unknown, 0, "no answer in time"),
    ];
    for (status, expected, lasts, reason) in rows {
        let mut contents = contents();
        assert_eq!(look_up(&mut contents, "a", 1, 1_000), Lookup::Asks);
        assert_eq!(look_up(&mut contents, "a", 2, 1_000), Lookup::Waits, "one question for all");
        contents.forget(&pair("a"), 2);
        let settled = contents.settle(&pair("a"), status, 1_000 * SECOND);
        assert_eq!(settled, (vec![1], expected), "{status:?}: {reason}");
        if lasts > 0 {
            let last = look_up(&mut contents, "a", 3, 1_000 + lasts - 1);
            assert_eq!(last, Lookup::Known(expected), "{status:?}: {reason}");
        }
        assert_eq!(look_up(&mut contents, "a", 3, 1_000 + lasts), Lookup::Asks, "{reason}");
    }
}

#[test]
fn known_contents_stay_known_while_registries_fail() {
    let mut contents = contents();
    look_up(&mut contents, "a", 1, 0);
    contents.settle(&pair("a"), Some(200), 0);
    look_up(&mut contents, "b", 1, 1);
    contents.settle(&pair("b"), Some(503), SECOND);
    assert_eq!(look_up(&mut contents, "a", 1, 2), Lookup::Known(Presence::Present));
    assert_eq!(look_up(&mut contents, "b", 1, 2), Lookup::Asks);
}

#[test]
fn memory_and_questions_are_bounded() {
    let mut contents = contents();
    for name in ["a", "b", "c"] {
        look_up(&mut contents, name, 1, 0);
        contents.settle(&pair(name), Some(200), 0);
    }
    assert_eq!(contents.memory.len(), 2);
    assert_eq!(look_up(&mut contents, "a", 1, 1), Lookup::Asks, "the oldest has gone");
    for number in 1..IN_FLIGHT {
        assert_eq!(look_up(&mut contents, &number.to_string(), 1, 1), Lookup::Asks);
    }
    let one_more = look_up(&mut contents, "one more", 1, 1);
    assert_eq!(one_more, Lookup::Known(Presence::Unknown), "nobody waits behind so many");
}

#[test]
fn a_clock_that_was_set_back_knows_nothing() {
    let mut contents = contents();
    look_up(&mut contents, "a", 1, 50);
    contents.settle(&pair("a"), Some(200), 50 * SECOND);
    assert_eq!(look_up(&mut contents, "a", 1, 49), Lookup::Asks);
}
