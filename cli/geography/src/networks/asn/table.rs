//! Tables of autonomous systems, a network a line: `prefix,asn,…` or `start,end,asn,…`, with commas
//! or tabs.
//!
//! So are `ip2asn-combined.tsv` of iptoasn.com, the CSV of DB-IP's and ip-location-db's ASN
//! databases, and `GeoLite2-ASN-Blocks-*.csv` of `MaxMind`. A first line of names says which column
//! has the number.

use std::net::IpAddr;

use ipnet::IpNet;

use super::row::{Row, number};

/// What the column of the number is called.
const NAMES: [&str; 4] = ["asn", "autonomous_system_number", "as_number", "as"];

/// The rows of a table; ranges without a system are left out.
///
/// # Errors
///
/// The first line that is not understood.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let text = str::from_utf8(bytes).map_err(|_| {
        "is not a MaxMind DB and not text; unpack it, if it is packed (gunzip)".to_owned()
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut named = None;
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let columns = columns(line);
        if number == 1 && is_header(&columns) {
            named = columns.iter().position(|name| NAMES.contains(&name.to_lowercase().as_str()));
            continue;
        }
        rows.extend(of_line(&columns, named).map_err(|error| format!("line {number}: {error}"))?);
    }
    Ok(rows)
}

/// Names of columns have no dot, colon or slash; every address has.
fn is_header(columns: &[&str]) -> bool {
    columns.first().is_some_and(|name| !name.contains(['.', ':', '/']))
}

fn of_line(columns: &[&str], named: Option<usize>) -> Result<Option<Row>, String> {
    let first = columns.first().copied().unwrap_or_default();
    let (ends, width) = match first.parse::<IpNet>() {
        Ok(network) if network == network.trunc() => {
            (Some((network.network(), network.broadcast())), 1)
        }
        _ => (ends(first, columns.get(1)), 2),
    };
    let (first, last) =
        ends.ok_or_else(|| format!("`{}` is no prefix or range of addresses", columns.join(",")))?;
    let text = columns.get(named.unwrap_or(width)).copied().unwrap_or_default();
    if ["", "-", "0", "AS0"].contains(&text) {
        return Ok(None);
    }
    let row = Row::of(first, last, number(text)?);
    row.map(Some).ok_or_else(|| format!("{first} is behind {last}, or of another family"))
}

fn ends(first: &str, last: Option<&&str>) -> Option<(IpAddr, IpAddr)> {
    Some((first.parse().ok()?, last?.parse().ok()?))
}

/// The columns of a line. A comma between quotes is part of a name.
fn columns(line: &str) -> Vec<&str> {
    if line.contains('\t') {
        return line.split('\t').map(str::trim).collect();
    }
    let mut is_quoted = false;
    let ends = |letter: char| {
        is_quoted ^= letter == '"';
        letter == ',' && !is_quoted
    };
    line.split(ends).map(|column| column.trim().trim_matches('"')).collect()
}
