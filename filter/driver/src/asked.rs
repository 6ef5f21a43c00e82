//! What the status of an answer means in the light of what the client asked.

use portolan_core::attempt::Asks;
use portolan_core::contract::StateKey;

use crate::callback::Callback;

/// The status by which the answer to an attempt is judged. Nearly every status means the same, whatever was asked.
pub(crate) fn meaning_of(status: u16, call: &Callback<'_>) -> u16 {
    if !Asks::decide(status) {
        return status;
    }
    let noted = call.state(StateKey::Prepared).unwrap_or_default();
    Asks::parse(&noted).meaning_of(status)
}
