//! Fields of the access log and of metrics that are known with the decision.

use portolan_core::contract::StateKey;
use portolan_core::policy::Naming;
use portolan_core::{Action, Plan, RequestHead};

use crate::callback::Callback;

/// Hands the record over.
pub(super) fn note_record(plan: &Plan<'_>, notes_country: bool, call: &mut Callback<'_>) {
    let record = &plan.record;
    if let Some(country) = record.country.filter(|_| notes_country) {
        call.set_state(StateKey::Country, country.code().to_vec());
    }
    call.set_state(StateKey::Region, record.region.as_bytes().to_vec());
    call.set_state(StateKey::Kind, record.kind.as_str().as_bytes());
    if let Some(front) = record.front {
        call.set_state(StateKey::Front, front.as_bytes().to_vec());
    }
    if let Some(rule) = record.rule {
        call.set_state(StateKey::Rule, rule.as_bytes().to_vec());
    }
    call.set_state(StateKey::Reason, record.reason.as_bytes().to_vec());
    if let Some(user) = &plan.user {
        call.set_state(StateKey::User, user.as_bytes().to_vec());
    }
    if plan.says_backend {
        call.set_state(StateKey::SaysBackend, &b"1"[..]);
    }
    if let Some(upstream) = plan.naming.upstream() {
        call.set_state(StateKey::Registry, upstream.name().as_bytes().to_vec());
    }
    if let (Action::Reply(_), Some(place)) = (&plan.action, record.backend) {
        call.set_state(StateKey::SentTo, place.as_bytes().to_vec());
    }
}

/// Notes what the client asked, where a redirect may be followed: the further passes have the headers of others.
pub(super) fn note_asked(head: &RequestHead<'_>, naming: &Naming, call: &mut Callback<'_>) {
    call.set_state(StateKey::Authority, head.authority.to_vec());
    note_path(head, call);
    if let Some(address) = call.exchange.client_address() {
        call.set_state(StateKey::Client, without_port(&address).to_vec());
    }
    if let Some(namespace) = naming.namespace() {
        call.set_state(StateKey::Namespace, namespace.as_bytes().to_vec());
    }
}

/// Notes the path that the client asked, where a backend is asked for another one: when the log is written, the request
/// has what was sent last.
pub(super) fn note_path(head: &RequestHead<'_>, call: &mut Callback<'_>) {
    let path = head.target.split(|byte| *byte == b'?').next().unwrap_or_default();
    call.set_state(StateKey::Path, path.to_vec());
}

/// The address alone, of `address:port` or `[address]:port`.
fn without_port(address: &[u8]) -> &[u8] {
    let end = address.iter().rposition(|byte| *byte == b':').unwrap_or(address.len());
    let host = address.get(..end).unwrap_or_default();
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_their_ports() {
        let rows: [(&[u8], &[u8]); 5] = [
            (b"192.0.2.1:443", b"192.0.2.1"),
            (b"[2001:db8::1]:443", b"2001:db8::1"),
            (b"192.0.2.1", b"192.0.2.1"),
            (b"", b""),
            (b"@pipe", b"@pipe"),
        ];
        for (address, expected) in rows {
            assert_eq!(without_port(address), expected);
        }
    }
}
