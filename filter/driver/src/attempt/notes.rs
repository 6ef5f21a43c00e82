//! Fields of the access log and of metrics about the backends of a list that did not answer the
//! client.

use portolan_core::attempt::{LATER, Noted, Why, passed_over, skipped};
use portolan_core::contract::StateKey;
use portolan_core::record::metric::NO_VALUE;
use portolan_core::record::{Attempted, Tried};

use crate::callback::Callback;

/// Notes where in its list an attempt is, if that is not the first place. `late` was asked and has
/// not answered yet; `noted` is what the attempt found.
pub(super) fn note_place(
    list: &[String],
    (backend, late): (&str, Option<&str>),
    noted: &Noted,
    call: &mut Callback<'_>,
) {
    let answers = &noted.answers;
    for name in skipped(list, backend, answers).filter(|name| Some(*name) != late) {
        note(Attempted { backend: name, result: Tried::Skipped }, call);
    }
    let (first, why) = match passed_over(list, backend, answers) {
        Some((first, why)) => {
            let why = if Some(first) == late { Why::Late } else { why };
            (first, format!("{LATER}{}", why.as_str()))
        }
        None if !noted.is_answered() => return,
        // An attempt before was at a later backend, and has noted that.
        None => (NO_VALUE, NO_VALUE.to_owned()),
    };
    call.set_state(StateKey::PassedOver, first.as_bytes().to_vec());
    call.set_state(StateKey::PassedOverWhy, why.into_bytes());
}

/// Notes what became of a backend, behind what became of others.
pub(super) fn note(what: Attempted<'_>, call: &mut Callback<'_>) {
    let mut all = call.state(StateKey::Tried).unwrap_or_default();
    if what.add_to(&mut all) {
        call.set_state(StateKey::Tried, all);
    }
}
