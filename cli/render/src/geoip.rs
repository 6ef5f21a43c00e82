//! Envoy's geoip filter.

use portolan_core::config::{GEOIP_COUNTRY_HEADER, GEOIP_SUBDIVISION_HEADER};
use serde_json::{Value, json};

use super::typed::extension;

/// The name by which routes can switch it off.
pub(super) const NAME: &str = "envoy.filters.http.geoip";

/// Sets the geo headers by the client's address.
///
/// No `xff_config`: the filter then takes the address that the connection manager trusts, and
/// there is one truth about it. The database stands as the city database because only there
/// Envoy looks for the subdivision; it looks for the country there as well.
pub(super) fn filter(database: &str) -> Value {
    let provider = extension(
        "envoy.geoip_providers.maxmind",
        "extensions.geoip_providers.maxmind.v3.MaxMindConfig",
        json!({
            "city_db_path": database,
            "common_provider_config": {
                "geo_field_keys": {
                    "country": GEOIP_COUNTRY_HEADER,
                    "region": GEOIP_SUBDIVISION_HEADER,
                },
            },
        }),
    );
    extension(NAME, "extensions.filters.http.geoip.v3.Geoip", json!({"provider": provider}))
}

/// How the numbers of the database are called: Envoy puts its path into their names, and a rule
/// could not be written for all machines. It becomes a label:
/// `envoy_maxmind_city_db_db_build_epoch{envoy_geoip_database="/geo.mmdb"}`.
pub(super) fn tag() -> Value {
    json!({
        "tag_name": "envoy_geoip_database",
        "regex": r"^maxmind\.[a-z]+_db\.((.+)\.)db_(?:build_epoch|reload_error|reload_success)$",
    })
}
