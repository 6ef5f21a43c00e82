//! The meaning of a status in the light of the client's request.

use portolan_core::attempt::Asks;
use portolan_core::contract::StateKey;

use crate::callback::Callback;

/// The status by which the answer to an attempt is judged. Nearly every status means the same,
/// whatever was asked.
pub(crate) fn meaning_of(status: u16, call: &Callback<'_>) -> u16 {
    if !Asks::decide(status) {
        return status;
    }
    let noted = call.state(StateKey::Prepared).unwrap_or_default();
    Asks::parse(&noted).meaning_of(status)
}
