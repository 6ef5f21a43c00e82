//! Fields of the access log and of metrics that are known with the decision.

use portolan_core::RequestHead;
use portolan_core::contract::StateKey;
use portolan_core::policy::Naming;
use portolan_core::record::Decided;

use crate::callback::Callback;

/// Hands over what was decided. `notes_country` says that Envoy cannot say itself where the client
/// is.
pub(super) fn note_record(mut record: Decided<'_>, notes_country: bool, call: &mut Callback<'_>) {
    record.country = record.country.filter(|_| notes_country);
    for (field, value) in record.told() {
        if let Some(key) = field.noted() {
            call.set_state(key, value);
        }
    }
}

/// Notes what the client asked, where a redirect may be followed: the further passes have the
/// headers of others.
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

/// Notes the path that the client asked, where a backend is asked for another one: when the log is
/// written, the request has what was sent last.
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
