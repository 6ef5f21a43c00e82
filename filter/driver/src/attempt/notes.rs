//! Fields of the access log and of metrics about the backends of a list that did not answer the
//! client.

use portolan_core::attempt::{Answers, LATER, Why, list_of, passed_over, skipped};
use portolan_core::contract::StateKey;
use portolan_core::record::metric::NO_VALUE;

use crate::callback::Callback;

/// Notes where in its list an attempt is, if that is not the first place. `noted` is what was prepared, and what
/// others have answered; `late` was asked and has not answered yet.
pub(super) fn note_place(
    list: &[String],
    backend: &str,
    late: Option<&str>,
    noted: &[u8],
    call: &mut Callback<'_>,
) {
    let answers = Answers::parse(noted);
    for name in skipped(list, backend, &answers).filter(|name| Some(*name) != late) {
        note(&format!("{name} skipped"), call);
    }
    let (first, why) = match passed_over(list, backend, &answers) {
        Some((first, why)) => {
            let why = if Some(first) == late { Why::Late } else { why };
            (first, format!("{LATER}{}", why.as_str()))
        }
        None if list_of(noted).is_none() => return,
        // An attempt before was at a later backend, and has noted that.
        None => (NO_VALUE, NO_VALUE.to_owned()),
    };
    call.set_state(StateKey::PassedOver, first.as_bytes().to_vec());
    call.set_state(StateKey::PassedOverWhy, why.into_bytes());
}

/// Notes what became of a backend, behind what became of others. What is there already is not said again:
/// each attempt may skip the same backend.
pub(super) fn note(what: &str, call: &mut Callback<'_>) {
    let mut all = call.state(StateKey::Tried).unwrap_or_default();
    if all.split(|byte| *byte == b';').any(|part| part.trim_ascii() == what.as_bytes()) {
        return;
    }
    if !all.is_empty() {
        all.extend_from_slice(b"; ");
    }
    all.extend_from_slice(what.as_bytes());
    call.set_state(StateKey::Tried, all);
}
