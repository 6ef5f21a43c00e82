//! The format of AWS: <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html>.

use super::entry::{self, Entry, Family, Problems};
use serde_json::Value;

/// Every entry of both families. A prefix is listed once for each service that uses it, and
/// `AMAZON` is on all of them. The network border group (a local zone) is finer than a registry's
/// region, and is not read.
pub(super) fn entries(file: &Value, problems: &mut Problems) -> Vec<Entry> {
    let families =
        [("prefixes", "ip_prefix", Family::V4), ("ipv6_prefixes", "ipv6_prefix", Family::V6)];
    let mut found = Vec::new();
    for (array, field, family) in families {
        for (index, object) in entry::array(file, array, problems).iter().enumerate() {
            let path = format!("{array}[{index}]");
            let prefix = entry::prefix(object, &path, field, family, problems);
            let label = entry::label(object, &path, "region", "aws", problems);
            if let (Some(prefix), Some(label)) = (prefix, label) {
                let service = object.get("service").and_then(Value::as_str).unwrap_or_default();
                let service = entry::service(service, &["amazon"]);
                let weight = entry::weight(&label, "aws:global");
                found.push(Entry { path, prefix, label, service, weight });
            }
        }
    }
    found
}
