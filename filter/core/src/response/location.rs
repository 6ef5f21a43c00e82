//! `Location`: one URL (RFC 9110 section 10.2.2).

use super::reference::{Context, Leads};
use crate::reply::Misdirection;

/// The one value that the client gets.
///
/// A second `Location` is not allowed; the first wins, as it does in the clients. A write never
/// goes on at another host: clients show there what they show here, and a registry could have any
/// front's passwords.
pub(super) fn amend(context: &Context<'_>, values: &[&[u8]]) -> Result<Vec<Vec<u8>>, Misdirection> {
    let value = values.first().ok_or(Misdirection::Unreadable)?;
    let value = once(value).unwrap_or(value);
    match context.at_front(value)? {
        Leads::Here(path) => match first_of_joined(value) {
            Some(first) => amend(context, &[first]),
            None => Ok(vec![path]),
        },
        Leads::Elsewhere if context.receipt.writes => Err(Misdirection::Host),
        Leads::Elsewhere => Ok(vec![value.to_vec()]),
    }
}

/// The value of a header that stands twice in an answer, the same both times. Envoy joins the two
/// with a comma.
fn once(value: &[u8]) -> Option<&[u8]> {
    let (first, rest) = value.split_at_checked(value.len() / 2)?;
    (rest.strip_prefix(b",") == Some(first)).then_some(first)
}

/// The first of several URLs that Envoy has joined; `None` where there is one. A comma may stand in
/// a URL. Behind it another one begins, with a scheme or as the first does. What leads to another
/// host is not taken apart: it may be signed.
fn first_of_joined(value: &[u8]) -> Option<&[u8]> {
    let own = first_segment(value);
    let begins = |rest: &[u8]| {
        let has =
            |start: &[u8]| rest.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start));
        has(b"http://") || has(b"https://") || own.is_some_and(|own| rest.starts_with(own))
    };
    let commas = value.iter().enumerate().filter(|(_, byte)| **byte == b',');
    let end = commas.map(|(place, _)| place).find(|place| {
        value.get(place.saturating_add(1)..).is_some_and(|rest| begins(rest.trim_ascii_start()))
    })?;
    value.get(..end)
}

/// The first segment of a path, with the slashes around it.
fn first_segment(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(b"/")?;
    let end = rest.iter().position(|byte| *byte == b'/')?;
    path.get(..end.saturating_add(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_stands_twice_is_one() {
        #[rustfmt::skip]
        let rows = [
            ("/v2/a,/v2/a", Some("/v2/a"), "twice the same"),
            ("https://cdn.example/a?b,c,https://cdn.example/a?b,c", Some("https://cdn.example/a?b,c"), "with commas in it"),
            ("/v2/a,/v2/b", None, "two others"),
            ("/v2/a/v2/a", None, "no comma"),
            ("/v2/a", None, "one"),
            ("", None, "nothing"),
        ];
        for (value, expected, reason) in rows {
            assert_eq!(once(value.as_bytes()), expected.map(str::as_bytes), "{value}: {reason}");
        }
    }

    #[test]
    fn of_several_urls_the_first_is_told_from_the_rest() {
        #[rustfmt::skip]
        let rows = [
            ("/v2/x/blobs/uploads/1,/v2/x/blobs/uploads/2", Some("/v2/x/blobs/uploads/1"), "two paths"),
            ("/v2/x/1, /v2/x/2, /v2/x/3", Some("/v2/x/1"), "with spaces, as other proxies join"),
            ("/base/v2/x/1?a=b,c,/base/v2/x/2", Some("/base/v2/x/1?a=b,c"), "a comma of its own"),
            ("https://b.example/1,HTTPS://b.example/2", Some("https://b.example/1"), "two URLs"),
            ("/v2/x/1,http://third.example/", Some("/v2/x/1"), "another host"),
            ("/v2/x/1,2,,3,", None, "commas of its own"),
            ("/v2/x/1?a=/b,/c", None, "a path of its own"),
            ("1,2", None, "no path"),
            ("", None, "nothing"),
        ];
        for (value, expected, reason) in rows {
            let found = first_of_joined(value.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{value}: {reason}");
        }
    }
}
