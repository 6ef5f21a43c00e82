//! Tables of ranges or prefixes, one a line.
//!
//! `start,end,country[,subdivision]` is the shape of DB-IP's and of ip-location-db's country files;
//! `prefix,country[,subdivision]` is the one that people write by hand. Both may be mixed, with or
//! without quotes, a line of column names, empty lines and `#` comments. Numbers in place of
//! addresses are those of `IP2Location` (`"16777216","16777471","AU","Australia"`) and of editions
//! with `-num` in their names.
//!
//! A general CSV parser would serve worse: no column holds a line break, and one forgotten quote
//! must be an error of its own line, not swallow the rest of the file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use ipnet::IpNet;

use super::input::{Source, file_name};
use crate::geoip::error::{Fault, GeoipError};
use crate::geoip::location::Location;
use crate::geoip::merge::Claim;
use crate::geoip::span::Span;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a table. `path` is for messages and for the description.
///
/// # Errors
///
/// The first line that is not understood, with what to write instead.
pub(crate) fn read(path: &Path, bytes: &[u8], input: usize) -> Result<Source, GeoipError> {
    let mut source = Source {
        claims: Vec::new(),
        unlocated: 0,
        nameless: 0,
        flat: 0,
        date: None,
        description: file_name(path),
    };
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut may_be_header = true;
    for (text, line) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let at_line = |fault| GeoipError::Line { path: path.to_owned(), line, fault };
        let text = str::from_utf8(text).map_err(|_| at_line(Fault::Encoding))?.trim();
        // No column of these shapes holds a `#`, so whatever is behind one is a comment.
        let text = text.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let columns = columns(text);
        if std::mem::take(&mut may_be_header) && is_header(&columns) {
            if columns.contains(&"geoname_id") {
                return Err(at_line(Fault::GeoLite));
            }
            continue;
        }
        let row = Row::parse(&columns).map_err(at_line)?;
        row.claim(&mut source, input, line);
    }
    Ok(source)
}

/// What one line says; no location where it says that nobody knows.
struct Row {
    spans: Vec<Span>,
    location: Option<Location>,
}

impl Row {
    fn parse(columns: &[&str]) -> Result<Self, Fault> {
        if let [first, last, codes @ ..] = columns
            && is_number(first)
            && is_number(last)
        {
            return Self::of_numbers(first, last, codes, columns.len());
        }
        let (spans, codes) = spans(columns)?;
        let location = match *codes {
            [] => Err(Fault::NoCountry),
            [country] => Location::parse(country, ""),
            [country, subdivision] => Location::parse(country, subdivision),
            _ => Err(Fault::Columns(columns.len())),
        }?;
        Ok(Self { spans, location })
    }

    /// A row of `IP2Location`'s or of a `-num` edition. Behind the code stands the country's name.
    fn of_numbers(first: &str, last: &str, codes: &[&str], count: usize) -> Result<Self, Fault> {
        let location = match codes {
            [] => Err(Fault::NoCountry),
            [country] | [country, _] => Location::parse(country, ""),
            _ => Err(Fault::Columns(count)),
        }?;
        // What nobody knows may span both families: `IP2Location` begins so.
        let spans = match location {
            Some(_) => Span::between(number(first)?, number(last)?)?,
            None => Vec::new(),
        };
        Ok(Self { spans, location })
    }

    fn claim(self, source: &mut Source, input: usize, line: u64) {
        let Some(location) = self.location else {
            source.unlocated = source.unlocated.saturating_add(1);
            return;
        };
        let claims = self.spans.into_iter();
        source.claims.extend(claims.map(|span| Claim { span, location, input, line }));
    }
}

/// The addresses of a line, and the columns behind them.
fn spans<'a, 'b>(columns: &'a [&'b str]) -> Result<(Vec<Span>, &'a [&'b str]), Fault> {
    match columns {
        [prefix, codes @ ..] if prefix.contains('/') => {
            let network: IpNet = prefix.parse().map_err(|_| not_an_address(prefix))?;
            Ok((Span::of(network)?, codes))
        }
        [first, rest @ ..] => {
            let first: IpAddr = first.parse().map_err(|_| not_an_address(first))?;
            let Some((last, codes)) = rest.split_first() else {
                return Err(Fault::SingleAddress(first));
            };
            let last = match last.parse() {
                Ok(last) => last,
                Err(_) if last.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                    return Err(Fault::SingleAddress(first));
                }
                Err(_) => return Err(not_an_address(last)),
            };
            Ok((Span::between(first, last)?, codes))
        }
        [] => Err(not_an_address("")),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The address that a number stands for; those below 2^32 are IPv4, as in the editions for IPv4.
fn number(text: &str) -> Result<IpAddr, Fault> {
    let number: u128 = text.parse().map_err(|_| not_an_address(text))?;
    Ok(match u32::try_from(number) {
        Ok(number) => Ipv4Addr::from_bits(number).into(),
        Err(_) => Ipv6Addr::from_bits(number).into(),
    })
}

fn not_an_address(text: &str) -> Fault {
    if text.contains([';', '\t']) {
        Fault::Separator
    } else if is_number(text) {
        Fault::Number(text.to_owned())
    } else {
        Fault::NotAnAddress(text.to_owned())
    }
}

/// Whether the first line names its columns (`network,country_iso_code`): only words. A wrong
/// address in line 1 has a digit, a dot, a colon or a slash, and must not pass for a name.
fn is_header(columns: &[&str]) -> bool {
    let is_word_byte = |byte: u8| byte.is_ascii_alphabetic() || b"_- ".contains(&byte);
    let is_name = |column: &&str| !column.is_empty() && column.bytes().all(is_word_byte);
    columns.len() > 1 && columns.iter().all(is_name)
}

/// The columns of a line. A comma between quotes is part of a name, such as
/// `"Palestine, State of"`.
fn columns(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let ends = |letter: char| {
        is_quoted ^= letter == '"';
        letter == ',' && !is_quoted
    };
    text.split(ends).map(unquoted).collect()
}

fn unquoted(column: &str) -> &str {
    let column = column.trim();
    let inner = column.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map_or(column, str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a table says, one claim a word: the networks (IPv4 as the tree keeps it) and the place.
    fn claims(text: &[u8]) -> Result<String, String> {
        let source = read(Path::new("office.csv"), text, 0).map_err(|error| error.to_string())?;
        let shown = source.claims.iter().flat_map(|claim| {
            let networks = claim.span.networks();
            networks.map(|network| format!("{}:{network}={}", claim.line, claim.location))
        });
        Ok(shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn every_shape_is_read() {
        let cases: [(&str, &str, &str); 21] = [
            ("1.0.0.0,1.0.0.255,AU", "1:::100:0/120=AU", "ranges"),
            ("2001:db8::,2001:db8::ff,de\n", "1:2001:db8::/120=DE", "IPv6 ranges"),
            ("\"1.0.0.0\",\"1.0.0.255\",\"AU\"", "1:::100:0/120=AU", "quoted, as DB-IP has it"),
            ("1.0.0.0,1.0.0.255,US,CA", "1:::100:0/120=US-CA", "ranges with a subdivision"),
            ("1.0.0.0/24,AU", "1:::100:0/120=AU", "prefixes"),
            ("1.0.0.0/24,US,US-CA", "1:::100:0/120=US-CA", "prefixes with a subdivision"),
            ("1.0.0.0/24,AU,", "1:::100:0/120=AU", "an empty subdivision"),
            ("2001:db8::/32,DE", "1:2001:db8::/32=DE", "IPv6 prefixes"),
            ("network,country_iso_code\n1.0.0.0/24,AU", "2:::100:0/120=AU", "column names"),
            ("start,end,country\r\n1.0.0.0,1.0.0.255,AU\r\n", "2:::100:0/120=AU", "CR LF"),
            ("# ours\n\n1.0.0.0/24 , AU\n\n", "3:::100:0/120=AU", "comments, blanks, empty lines"),
            ("1.0.0.0/24,AU # our office", "1:::100:0/120=AU", "a comment behind a row"),
            ("1.0.0.0/24,US,CA#x", "1:::100:0/120=US-CA", "without a space"),
            ("16777216,16777471,AU", "1:::100:0/120=AU", "numbers"),
            (
                "\"0\",\"16777215\",\"-\",\"-\"\n\"16777216\",\"16777471\",\"PS\",\"Palestine, State of\"",
                "2:::100:0/120=PS",
                "IP2Location",
            ),
            ("281470698520576,281470698520831,AU,Australia", "1:::100:0/120=AU", "IPv4 among IPv6"),
            (
                "42540766411282592856903984951653826560,42540766490510755371168322545197776895,DE",
                "1:2001:db8::/32=DE",
                "IPv6",
            ),
            (
                "\"0\",\"281470681743359\",\"-\",\"-\"\n2.0.0.0/8,FR",
                "2:::200:0/104=FR",
                "what nobody knows, in both families",
            ),
            ("\u{feff}1.0.0.0/24,AU", "1:::100:0/120=AU", "a byte order mark"),
            (
                "1.0.0.0/24,AU\n2001:db8::,2001:db8::,DE",
                "1:::100:0/120=AU 2:2001:db8::/128=DE",
                "a mix",
            ),
            (
                "1.0.0.1,1.0.0.2,AU",
                "1:::100:1/128=AU 1:::100:2/128=AU",
                "a range that is no prefix",
            ),
        ];
        for (text, expected, shape) in cases {
            assert_eq!(claims(text.as_bytes()).as_deref(), Ok(expected), "{shape}");
        }
    }

    #[test]
    fn unknown_places_are_counted() {
        let text = b"::,1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,ZZ\n1.0.0.0/24,xx\n2.0.0.0/8,FR";
        let source = read(Path::new("table.csv"), text, 0).unwrap();
        assert_eq!((source.claims.len(), source.unlocated), (1, 2));
    }

    #[test]
    fn bad_lines_are_refused_with_their_number_and_what_to_write() {
        let cases: [(&[u8], &str); 21] = [
            (b"192.0.2.0/24,Germany", "line 1: `GERMANY` is not a country code"),
            (b"# ours\n\n192.0.2.0/24,DEU", "line 3: `DEU` is not a country code"),
            (b"192.0.2.0/24", "line 1: the country is missing"),
            (b"192.0.2.0/24,", "line 1: the country is missing"),
            (b"192.0.2.0/240,DE", "line 1: `192.0.2.0/240` is neither"), // not a header
            (b"192.0.2.1/24,DE", "write 192.0.2.0/24"),
            (b"192.0.2.7,DE", "write `192.0.2.7/32`"),
            (b"2001:db8::7,DE,BE", "write `2001:db8::7/128`"),
            (b"192.0.2.7", "write `192.0.2.7/32`"),
            (b"192.0.2.0,192.0.2.256,DE", "`192.0.2.256` is neither"),
            (b"192.0.2.9,192.0.2.0,DE", "ends before it begins"),
            (b"16777216,AU", "numbers stand for addresses only in the first two columns"),
            (b"1.0.0.0/24,QQ", "line 1: `QQ` is not a country code"),
            (
                b"network,geoname_id,registered_country_geoname_id\n1.0.0.0/24,2077456,2077456",
                "line 1: this is one of the two tables of GeoLite2",
            ),
            (
                b"geoname_id,locale_code,continent_code,country_iso_code\n49518,en,AF,RW",
                "give the .mmdb edition",
            ),
            (b"16777216,16777471,US,United States of America,California,Los Angeles", "6 columns"),
            (b"192.0.2.0/24;DE", "separate the columns by commas"),
            (b"1.0.0.0,1.0.0.255,OC,AU,Queensland,Brisbane,-27,153", "8 columns"),
            (b"1.0.0.0/24,DE\n\"2.0.0.0/24,DE\n", "line 2: `\"2.0.0.0/24,DE` is neither"),
            (b"a,b\nc,d", "line 2: `c` is neither"), // one line of names at most
            (b"\xff\xfe1\0", "line 1: not UTF-8 text"),
        ];
        for (text, message) in cases {
            let shown = claims(text).expect_err(message);
            assert!(shown.starts_with("office.csv, line "), "{shown}");
            assert!(shown.contains(message), "{shown}\n is not\n{message}");
        }
    }
}
