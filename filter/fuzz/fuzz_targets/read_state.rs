//! What the phases of the filter tell each other in properties of the stream, on the bytes of one.
//!
//! Envoy carries them, so that nobody but the filter writes any; a mistake in a part would still
//! send one backend's secrets to another. Whatever is read must be written as the same, and a name
//! finds its own part alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::attempt::{
    Answer, Answers, RedirectStep, BackendRequest, Noted, all, is_prepared, list_of, note, note_list, note_spared, only,
    select, spared_of,
};
use portolan_core::contract::Role;

fuzz_target!(|property: &[u8]| {
    let parts: Vec<BackendRequest<'_>> = all(property).collect();
    for part in &parts {
        let printed = BackendRequest::print(std::slice::from_ref(part));
        assert_eq!(only(&printed).as_ref(), Some(part), "as it was written");
        assert!(is_prepared(&printed));
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
    let (list, spared) = (list_of(property), spared_of(property));
    let mut noted = Vec::new();
    note_list(&mut noted, list.iter().map(String::as_str));
    note_spared(&mut noted, spared.iter().map(String::as_str));
    assert_eq!((list_of(&noted), spared_of(&noted)), (list, spared));
    let found = Noted::parse(property);
    let mut ordered = Vec::new();
    found.order.note(&mut ordered);
    assert_eq!(Noted::parse(&ordered).order, found.order);
    if let Some(redirect) = RedirectStep::parse(property) {
        assert_eq!(RedirectStep::parse(&redirect.print()).as_ref(), Some(&redirect));
    }
    let _ = Role::of(property);
});

fn check_answers(property: &[u8], parts: &[BackendRequest<'_>]) {
    let answers = Answers::parse(property);
    for part in parts {
        let Some(answer) = answers.of(part.backend) else { continue };
        let mut alone = Vec::new();
        note(&mut alone, part.backend, answer);
        assert_eq!(Answers::parse(&alone).of(part.backend), Some(answer));
        // The latest counts. What is cut off at the end of the property is no record.
        let mut both = BackendRequest::print(parts);
        note(&mut both, part.backend, answer);
        note(&mut both, part.backend, Answer::Missed);
        assert_eq!(Answers::parse(&both).of(part.backend), Some(Answer::Missed));
    }
}
