//! The format of Oracle Cloud:
//! <https://docs.oracle.com/en-us/iaas/Content/General/Concepts/addressranges.htm>.

use super::entry::{self, Entry, Problems, Weight};
use serde_json::Value;

/// Every range of every region, with its narrowest tag: all are `OCI`, what services have is `OSN`.
pub(super) fn entries(file: &Value, problems: &mut Problems) -> Vec<Entry> {
    let mut found = Vec::new();
    for (index, region) in entry::array(file, "regions", problems).iter().enumerate() {
        let path = format!("regions[{index}]");
        let Some(label) = entry::label(region, &path, "region", "oracle", problems) else {
            continue;
        };
        let Some(ranges) = region.get("cidrs").and_then(Value::as_array) else {
            problems.add(&format!("{path}.cidrs"), "is missing or not an array");
            continue;
        };
        for (index, range) in ranges.iter().enumerate() {
            let path = format!("{path}.cidrs[{index}]");
            let Some(text) = entry::text(range, &path, "cidr", problems) else { continue };
            let Some(prefix) = entry::any_prefix(text) else {
                problems.add(&format!("{path}.cidr"), &format!("{text:?} is not a prefix"));
                continue;
            };
            let tags = range.get("tags").and_then(Value::as_array);
            let tags = tags.into_iter().flatten().filter_map(Value::as_str);
            let mut services = tags.map(|tag| entry::service(tag, &["oci", "osn"]));
            let service = services.rfind(|service| !service.is_empty());
            found.push(Entry {
                path,
                prefix,
                label: label.clone(),
                service: service.unwrap_or_default(),
                weight: Weight::OfRegion,
            });
        }
    }
    found
}
