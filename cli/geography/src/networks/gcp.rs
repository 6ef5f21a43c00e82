//! The format of Google Cloud: <https://support.google.com/a/answer/10026322>.

use super::entry::{self, Entry, Family, Problems};
use serde_json::Value;

/// Every entry. Both families are in one array, told apart by the name of the field.
pub(super) fn entries(file: &Value, problems: &mut Problems) -> Vec<Entry> {
    let objects = entry::array(file, "prefixes", problems);
    (objects.iter().enumerate())
        .filter_map(|(index, object)| one(object, format!("prefixes[{index}]"), problems))
        .collect()
}

fn one(object: &Value, path: String, problems: &mut Problems) -> Option<Entry> {
    let (field, family) = match (object.get("ipv4Prefix"), object.get("ipv6Prefix")) {
        (Some(_), None) => ("ipv4Prefix", Family::V4),
        (None, Some(_)) => ("ipv6Prefix", Family::V6),
        _ => {
            problems.add(&path, "has not exactly one of ipv4Prefix and ipv6Prefix");
            return None;
        }
    };
    let prefix = entry::prefix(object, &path, field, family, problems);
    let label = entry::label(object, &path, "scope", "gcp", problems);
    let label = label?;
    let service = object.get("service").and_then(Value::as_str).unwrap_or_default();
    let service = entry::service(service, &["google-cloud"]);
    let weight = entry::weight(&label, "gcp:global");
    Some(Entry { path, prefix: prefix?, label, service, weight })
}
