//! The format of Azure, "IP ranges and service tags":
//! <https://learn.microsoft.com/en-us/azure/virtual-network/service-tags-overview>.

use super::entry::{self, Entry, Problems, Weight};
use serde_json::Value;

/// The tag of all of a region: `AzureCloud.westeurope`.
const REGION: &str = "AzureCloud";

/// Every prefix of every tag. Tags overlap: all that a service has stands in `Storage`, what it has
/// in a region in `Storage.WestEurope` too, and in `AzureCloud.westeurope` with the rest of the
/// region.
pub(super) fn entries(file: &Value, problems: &mut Problems) -> Vec<Entry> {
    let mut found = Vec::new();
    for (index, tag) in entry::array(file, "values", problems).iter().enumerate() {
        let path = format!("values[{index}]");
        let Some(name) = entry::text(tag, &path, "name", problems) else { continue };
        let Some(properties) = tag.get("properties") else {
            problems.add(&format!("{path}.properties"), "is missing");
            continue;
        };
        let path = format!("{path}.properties");
        let region = entry::text(properties, &path, "region", problems).unwrap_or_default();
        let (label, weight) = if region.is_empty() {
            (Some("azure:global".to_owned()), Weight::Everywhere)
        } else {
            let of_region = name.split('.').next() == Some(REGION);
            let weight = if of_region { Weight::OfRegion } else { Weight::OfService };
            (entry::label(properties, &path, "region", "azure", problems), weight)
        };
        let Some(label) = label else { continue };
        let service = entry::service(name.split('.').next().unwrap_or_default(), &["azurecloud"]);
        let prefixes = entry::prefixes(properties, &path, "addressPrefixes", problems);
        found.extend(prefixes.into_iter().map(|(path, prefix)| Entry {
            path,
            prefix,
            label: label.clone(),
            service: service.clone(),
            weight,
        }));
    }
    found
}
