//! Values of the client's request, kept for the access log before the request is rewritten.

use portolan_core::config::{Clients, GEOIP_COUNTRY_HEADER, Geo};
use serde_json::{Value, json};

use super::typed::extension;

/// The name by which routes can switch it off.
pub(super) const NAME: &str = "envoy.filters.http.set_filter_state";

/// The authority as the client sent it.
pub(super) const AUTHORITY: &str = "portolan.authority";
/// The fingerprint of the policy that is at work.
pub(super) const POLICY: &str = "portolan.policy";
/// The country that Envoy's geoip filter found.
pub(super) const COUNTRY: &str = "portolan.country";

/// Access logs are written when the headers are those that went upstream: the backend's path and
/// authority, and no geo header any more.
pub(super) fn filter(clients: &Clients, policy: &str) -> Value {
    let mut notes = vec![note(AUTHORITY, "%REQ(:AUTHORITY)%"), note(POLICY, policy)];
    // A header that others set is believed from some only. Which, the filter knows, and it notes
    // the country.
    if let Geo::Database(_) = clients.geo() {
        notes.push(note(COUNTRY, &format!("%REQ({GEOIP_COUNTRY_HEADER}):8%")));
    }
    extension(
        NAME,
        "extensions.filters.http.set_filter_state.v3.Config",
        json!({"on_request_headers": notes}),
    )
}

fn note(key: &str, format: &str) -> Value {
    json!({
        "object_key": key,
        "factory_key": "envoy.string",
        "format_string": {
            "text_format_source": {"inline_string": format},
            "omit_empty_values": true,
        },
        "skip_if_empty": true,
    })
}
