//! In which country the regions of clouds are, by what the providers say of them.

/// The start of a label, and the country of all that begin so; the longest start decides.
#[rustfmt::skip] // several a line
const PLACES: &[(&str, &str)] = &[
    ("aws:us-", "US"), ("aws:ca-", "CA"), ("aws:mx-", "MX"), ("aws:sa-east-", "BR"), ("aws:sa-west-", "CL"),
    ("aws:eu-west-1", "IE"), ("aws:eu-west-2", "GB"), ("aws:eu-west-3", "FR"), ("aws:eu-central-1", "DE"),
    ("aws:eu-central-2", "CH"), ("aws:eu-north-1", "SE"), ("aws:eu-south-1", "IT"), ("aws:eu-south-2", "ES"),
    ("aws:eusc-de-", "DE"), ("aws:il-", "IL"), ("aws:me-south-1", "BH"), ("aws:me-central-1", "AE"), ("aws:af-south-", "ZA"),
    ("aws:ap-east-1", "HK"), ("aws:ap-east-2", "TW"), ("aws:ap-south-", "IN"), ("aws:ap-southeast-1", "SG"),
    ("aws:ap-southeast-2", "AU"), ("aws:ap-southeast-3", "ID"), ("aws:ap-southeast-4", "AU"), ("aws:ap-southeast-5", "MY"),
    ("aws:ap-southeast-6", "NZ"), ("aws:ap-southeast-7", "TH"), ("aws:ap-northeast-1", "JP"), ("aws:ap-northeast-2", "KR"),
    ("aws:ap-northeast-3", "JP"), ("aws:cn-", "CN"),
    ("gcp:us-", "US"), ("gcp:northamerica-northeast", "CA"), ("gcp:northamerica-south", "MX"), ("gcp:southamerica-east", "BR"),
    ("gcp:southamerica-west", "CL"), ("gcp:europe-west1", "BE"), ("gcp:europe-west2", "GB"), ("gcp:europe-west3", "DE"),
    ("gcp:europe-west4", "NL"), ("gcp:europe-west6", "CH"), ("gcp:europe-west8", "IT"), ("gcp:europe-west9", "FR"),
    ("gcp:europe-west10", "DE"), ("gcp:europe-west12", "IT"), ("gcp:europe-north1", "FI"), ("gcp:europe-north2", "SE"),
    ("gcp:europe-central2", "PL"), ("gcp:europe-southwest1", "ES"), ("gcp:asia-east1", "TW"), ("gcp:asia-east2", "HK"),
    ("gcp:asia-northeast1", "JP"), ("gcp:asia-northeast2", "JP"), ("gcp:asia-northeast3", "KR"), ("gcp:asia-south", "IN"),
    ("gcp:asia-southeast1", "SG"), ("gcp:asia-southeast2", "ID"), ("gcp:asia-southeast3", "TH"), ("gcp:australia-", "AU"),
    ("gcp:me-west1", "IL"), ("gcp:me-central1", "QA"), ("gcp:me-central2", "SA"), ("gcp:africa-south", "ZA"),
    ("azure:eastus", "US"), ("azure:westus", "US"), ("azure:centralus", "US"), ("azure:northcentralus", "US"),
    ("azure:southcentralus", "US"), ("azure:westcentralus", "US"), ("azure:usgov", "US"), ("azure:usdod", "US"),
    ("azure:usstag", "US"), ("azure:canada", "CA"), ("azure:mexico", "MX"), ("azure:brazil", "BR"), ("azure:chile", "CL"),
    ("azure:westeurope", "NL"), ("azure:northeurope", "IE"), ("azure:uk", "GB"), ("azure:france", "FR"),
    ("azure:centralfrance", "FR"), ("azure:southfrance", "FR"), ("azure:germany", "DE"), ("azure:switzerland", "CH"),
    ("azure:norway", "NO"), ("azure:sweden", "SE"), ("azure:poland", "PL"), ("azure:italy", "IT"), ("azure:spain", "ES"),
    ("azure:austria", "AT"), ("azure:belgium", "BE"), ("azure:denmark", "DK"), ("azure:finland", "FI"), ("azure:japan", "JP"),
    ("azure:korea", "KR"), ("azure:eastasia", "HK"), ("azure:southeastasia", "SG"), ("azure:australia", "AU"),
    ("azure:newzealand", "NZ"), ("azure:centralindia", "IN"), ("azure:southindia", "IN"), ("azure:westindia", "IN"),
    ("azure:jioindia", "IN"), ("azure:indonesia", "ID"), ("azure:malaysia", "MY"), ("azure:taiwan", "TW"), ("azure:uae", "AE"),
    ("azure:qatar", "QA"), ("azure:israel", "IL"), ("azure:southafrica", "ZA"), ("azure:china", "CN"),
    ("oracle:us-", "US"), ("oracle:ca-", "CA"), ("oracle:mx-", "MX"), ("oracle:sa-saopaulo", "BR"), ("oracle:sa-vinhedo", "BR"),
    ("oracle:sa-santiago", "CL"), ("oracle:sa-valparaiso", "CL"), ("oracle:sa-bogota", "CO"), ("oracle:uk-", "GB"),
    ("oracle:eu-frankfurt", "DE"), ("oracle:eu-amsterdam", "NL"), ("oracle:eu-zurich", "CH"), ("oracle:eu-milan", "IT"),
    ("oracle:eu-paris", "FR"), ("oracle:eu-marseille", "FR"), ("oracle:eu-stockholm", "SE"), ("oracle:eu-madrid", "ES"),
    ("oracle:eu-jovanovac", "RS"), ("oracle:il-", "IL"), ("oracle:me-jeddah", "SA"), ("oracle:me-riyadh", "SA"),
    ("oracle:me-dubai", "AE"), ("oracle:me-abudhabi", "AE"), ("oracle:af-johannesburg", "ZA"), ("oracle:ap-tokyo", "JP"),
    ("oracle:ap-osaka", "JP"), ("oracle:ap-seoul", "KR"), ("oracle:ap-chuncheon", "KR"), ("oracle:ap-mumbai", "IN"),
    ("oracle:ap-hyderabad", "IN"), ("oracle:ap-singapore", "SG"), ("oracle:ap-sydney", "AU"), ("oracle:ap-melbourne", "AU"),
    ("oracle:ap-batam", "ID"),
];

/// The country of the region in a label, `IE` for `aws:eu-west-1`; `None` for what is everywhere or
/// not known.
pub(crate) fn country(label: &str) -> Option<&'static str> {
    let known = PLACES.iter().filter(|(start, _)| label.starts_with(start));
    known.max_by_key(|(start, _)| start.len()).map(|(_, country)| *country)
}

#[cfg(test)]
mod tests {
    use super::super::{Provider, published};
    use super::*;

    #[test]
    fn regions_are_in_countries() {
        let rows = [
            ("aws:eu-west-1", Some("IE")),
            ("aws:us-gov-west-1", Some("US")),
            ("aws:global", None),
            ("gcp:europe-west1", Some("BE")),
            ("gcp:europe-west10", Some("DE")),
            ("gcp:europe-west12", Some("IT")),
            ("gcp:global", None),
            ("azure:westeurope", Some("NL")),
            ("azure:westus2", Some("US")),
            ("oracle:eu-frankfurt-1", Some("DE")),
            ("cloudflare", None),
        ];
        for (label, expected) in rows {
            assert_eq!(country(label), expected, "{label}");
        }
    }

    #[test]
    fn the_published_regions_are_known() {
        let files = [
            (Provider::Aws, include_str!("../../../../geoip-data/networks/aws-excerpt.json")),
            (Provider::Gcp, include_str!("../../../../geoip-data/networks/gcp-excerpt.json")),
            (Provider::Azure, include_str!("../../../../geoip-data/networks/azure-shape.json")),
            (Provider::Oracle, include_str!("../../../../geoip-data/networks/oracle-shape.json")),
        ];
        for (provider, text) in files {
            for label in published(provider, text).unwrap().values() {
                assert!(country(label).is_some() || label.ends_with(":global"), "{label}");
            }
        }
    }
}
