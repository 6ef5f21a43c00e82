//! Address prefixes as a policy writes them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::advice;
use crate::config::wanted::Wanted;

/// What to write where a prefix is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "an address prefix such as `10.0.0.0/8` or `2001:db8::/32`, host bits zero",
    advice::network::why,
);

/// Reads a prefix, or a single address as the prefix of its full length.
///
/// Host bits are refused, not masked: `10.1.2.3/8` is more often a wrong length than a wish
/// for all of `10.0.0.0/8`, and a network decides over geography.
///
/// So is a zero before a number (`10.010.0.0`), which some read as octal (RFC 6943, section 3.1.1).
pub(crate) fn parse(text: &str) -> Option<IpNet> {
    let (address, _) = text.split_once('/').unwrap_or((text, ""));
    address.parse::<IpAddr>().ok()?;
    let prefix = match text.parse::<IpNet>() {
        Ok(prefix) => prefix,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    (prefix == prefix.trunc()).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let rows = [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("::1", Some("::1/128")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("10.1.2.3/8", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0/255.0.0.0", None),
            ("10.0.0", None),
            ("10.010.0.0/16", None),
            ("example.com", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let found = parse(text).map(|prefix| prefix.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
