//! `Link`: targets in angle brackets, each with parameters (RFC 8288 section 3).

use super::reference::{Context, Leads};
use crate::grammar::is_visible;
use crate::reply::Misdirection;

/// Every value with its targets rewritten and every other byte as it was.
///
/// A list without its next page is a short list that looks whole, so a value that cannot be taken
/// apart, or that leads away from the front, is never left out.
pub(super) fn amend(context: &Context<'_>, values: &[&[u8]]) -> Result<Vec<Vec<u8>>, Misdirection> {
    let amended: Option<Vec<Vec<u8>>> =
        values.iter().map(|value| amend_value(context, value)).collect();
    let mut amended = amended.ok_or(Misdirection::Page)?;
    amended.retain(|value| !value.iter().copied().all(is_between));
    Ok(amended)
}

fn amend_value(context: &Context<'_>, value: &[u8]) -> Option<Vec<u8>> {
    let mut amended = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        let start = rest.iter().position(|byte| !is_between(*byte)).unwrap_or(rest.len());
        let (between, link) = rest.split_at_checked(start)?;
        amended.extend_from_slice(between);
        if link.is_empty() {
            return Some(amended);
        }
        let (target, after) = split_target(link)?;
        let (parameters, next) = after.split_at_checked(parameters_end(after)?)?;
        amended.push(b'<');
        match context.at_front(target).ok()? {
            Leads::Here(path) => amended.extend(path),
            Leads::Elsewhere if may_be_next(parameters) => return None,
            Leads::Elsewhere => amended.extend_from_slice(target),
        }
        amended.push(b'>');
        amended.extend_from_slice(parameters);
        rest = next;
    }
}

/// What may stand between two links.
const fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',')
}

/// The target, and what follows it. Some registries leave the brackets out, and clients read up to
/// the first semicolon then.
fn split_target(link: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(after) = link.strip_prefix(b"<") {
        let (target, after) = split_once(after, b'>')?;
        return Some((target, after));
    }
    let end = link.iter().position(|byte| *byte == b';').unwrap_or(link.len());
    let (target, after) = link.split_at_checked(end)?;
    let target = target.trim_ascii_end();
    let is_plain = |byte: &u8| is_visible(byte) && !matches!(byte, b'<' | b'>' | b'"');
    target.iter().all(is_plain).then_some((target, after))
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

/// Whether a client may take a link for the next page: where it says so, or says nothing.
fn may_be_next(parameters: &[u8]) -> bool {
    let parameters = parameters.to_ascii_lowercase();
    let relations = parameters.split(|byte| *byte == b';').filter_map(|parameter| {
        let (key, value) = split_once(parameter, b'=')?;
        (key.trim_ascii() == b"rel").then_some(value)
    });
    let mut all = relations.peekable();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let has_next = |value: &[u8]| value.split(|byte| !is_word(byte)).any(|word| word == b"next");
    all.peek().is_none() || all.any(has_next)
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().position(|byte| *byte == separator)?;
    let (before, after) = bytes.split_at_checked(index)?;
    Some((before, after.get(1..)?))
}
