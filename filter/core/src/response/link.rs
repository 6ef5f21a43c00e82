//! `Link`: targets in angle brackets, each with parameters (RFC 8288 section 3).

use super::reference::Context;

/// Every value with its targets rewritten and every other byte as it was.
///
/// `None` if a value cannot be taken apart: half of a rewritten list would send a client to
/// pages of another registry.
pub(super) fn amend(context: &Context<'_>, values: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    values.iter().map(|value| amend_value(context, value)).collect()
}

fn amend_value(context: &Context<'_>, value: &[u8]) -> Option<Vec<u8>> {
    let mut amended = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        let (before, after) = split_once(rest, b'<')?;
        if !before.iter().all(|byte| matches!(byte, b' ' | b'\t' | b',')) {
            return None;
        }
        let (target, after) = split_once(after, b'>')?;
        amended.extend_from_slice(before);
        amended.push(b'<');
        amended.extend(context.at_front(target)?);
        amended.push(b'>');
        let parameters = parameters_end(after)?;
        let (parameters, next) = after.split_at_checked(parameters)?;
        amended.extend_from_slice(parameters);
        if next.iter().all(|byte| matches!(byte, b' ' | b'\t' | b',')) {
            amended.extend_from_slice(next);
            return Some(amended);
        }
        rest = next;
    }
}

/// Where the parameters of one link end: at a comma outside of a quoted string, or at the end.
fn parameters_end(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return Some(index),
            _ => {}
        }
    }
    (!quoted).then_some(bytes.len())
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().position(|byte| *byte == separator)?;
    let (before, after) = bytes.split_at_checked(index)?;
    Some((before, after.get(1..)?))
}
