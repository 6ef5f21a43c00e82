//! What the phases of the filter tell each other in properties of the stream, on the bytes of one.
//!
//! Envoy carries them, so that nobody but the filter writes any; a mistake in a part would still send one backend's
//! secrets to another. Whatever is read must be written as the same, and a name finds its own part alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::attempt::{
    Answer, Answers, Hop, Prepared, all, list_of, note, note_list, only, select,
};
use portolan_core::contract::Role;

fuzz_target!(|property: &[u8]| {
    let parts: Vec<Prepared<'_>> = all(property).collect();
    for part in &parts {
        let printed = Prepared::print(std::slice::from_ref(part));
        assert_eq!(only(&printed).as_ref(), Some(part), "as it was written");
        assert_eq!(printed.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
        if !part.backend.is_empty() {
            assert_eq!(select(&printed, part.backend.as_bytes()).as_ref(), Some(part));
            let other = format!("{}x", part.backend);
            assert_eq!(select(&printed, other.as_bytes()), None, "another's part");
        }
    }
    for part in &parts {
        if let Some(found) = select(property, part.backend.as_bytes()) {
            assert_eq!(found.backend, part.backend);
        }
    }
    check_answers(property, &parts);
    if let Some(list) = list_of(property) {
        assert_eq!(list_of(note_list(&list).as_bytes()), Some(list));
    }
    if let Some(hop) = Hop::parse(property) {
        assert_eq!(Hop::parse(&hop.print()).as_ref(), Some(&hop));
    }
    let _ = Role::of(property);
});

fn check_answers(property: &[u8], parts: &[Prepared<'_>]) {
    let answers = Answers::parse(property);
    for part in parts {
        let Some(answer) = answers.of(part.backend) else { continue };
        let line = note(part.backend, answer);
        assert_eq!(Answers::parse(line.as_bytes()).of(part.backend), Some(answer), "{line}");
        // The latest counts.
        let more = [property, b"\n", note(part.backend, Answer::Missed).as_bytes()].concat();
        assert_eq!(Answers::parse(&more).of(part.backend), Some(Answer::Missed));
    }
}
