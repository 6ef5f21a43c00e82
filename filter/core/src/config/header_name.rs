//! Names of headers that carry the location of a client.

use crate::contract::headers;

/// Headers that mean something else: taking a country from them can only be a mistake.
const REFUSED: [&str; 6] =
    ["authorization", "cookie", "host", "content-length", "transfer-encoding", "x-forwarded-for"];

/// Reads a header name; lower case, because Envoy hands out header names in lower case.
pub(crate) fn parse(text: &str) -> Option<String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let valid = !text.is_empty()
        && text.bytes().all(known)
        && !REFUSED.contains(&text)
        && !text.starts_with(headers::PREFIX);
    valid.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(parse("cf-ipcountry").as_deref(), Some("cf-ipcountry"));
        for name in ["", "CF-IPCountry", ":path", "a b", "x_country", "host", "x-portolan-peer"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
