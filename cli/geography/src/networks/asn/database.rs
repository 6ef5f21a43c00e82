//! Databases of autonomous systems in the `MaxMind` DB format.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use portolan_command::date::BuildDate;
use serde_json::Value;

use super::row::{Row, number};

const METADATA_MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Where the number stands: in `MaxMind`'s and DB-IP's shape, and in that of `IPinfo` (`AS64496`).
const NAMES: [&str; 2] = ["autonomous_system_number", "asn"];

/// Whether a file is, or was meant as, a `MaxMind` DB.
pub(super) fn is_one(path: &Path, bytes: &[u8]) -> bool {
    path.extension().is_some_and(|extension| extension == "mmdb")
        || bytes.windows(METADATA_MARKER.len()).any(|window| window == METADATA_MARKER)
}

/// The rows of a database, and of which day it is.
///
/// # Errors
///
/// It is damaged, or not about autonomous systems.
pub(super) fn read(bytes: Vec<u8>) -> Result<(Vec<Row>, Option<BuildDate>), String> {
    let reader = Reader::from_source(bytes).map_err(damaged)?;
    let rows = rows(&reader).map_err(damaged)?;
    if rows.is_empty() {
        return Err(format!(
            "no record of this database (type `{}`) has `autonomous_system_number`: give a database of \
             autonomous systems",
            reader.metadata().database_type
        ));
    }
    Ok((rows, Some(BuildDate::of(reader.metadata().build_epoch))))
}

#[expect(clippy::needless_pass_by_value, reason = "errors are handed over so")]
fn damaged(error: MaxMindDbError) -> String {
    format!("not a MaxMind DB, or a damaged one ({error}): fetch it again")
}

fn rows(reader: &Reader<Vec<u8>>) -> Result<Vec<Row>, MaxMindDbError> {
    // Many networks share a record.
    let mut known: HashMap<usize, Option<u32>> = HashMap::new();
    let mut rows = Vec::new();
    // The default leaves out the aliases of the IPv4 tree.
    for found in reader.networks(WithinOptions::default())? {
        let found = found?;
        let Some(offset) = found.offset() else { continue };
        let asn = match known.get(&offset) {
            Some(asn) => *asn,
            None => *known.entry(offset).or_insert(asn_of(&found.decode()?.unwrap_or_default())),
        };
        let network = found.network()?;
        let ends = (family(network.network()), family(network.broadcast()));
        rows.extend(asn.and_then(|asn| Row::of(ends.0, ends.1, asn)));
    }
    Ok(rows)
}

fn asn_of(record: &Value) -> Option<u32> {
    let field = NAMES.into_iter().find_map(|name| record.get(name))?;
    match field {
        Value::String(text) => number(text).ok(),
        Value::Number(found) => number(&found.to_string()).ok(),
        _ => None,
    }
}

/// A tree with IPv6 keeps the IPv4 address a.b.c.d at `::a.b.c.d`.
fn family(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => {
            u32::try_from(v6.to_bits()).map_or(address, |bits| IpAddr::V4(bits.into()))
        }
        IpAddr::V4(_) => address,
    }
}
