//! The DNS resolver.

use serde_json::{Value, json};

use super::typed::extension;

/// The resolver. The listener waits for the first answer about each name, and a name server that is
/// silent must not keep it from opening for a minute; later on Envoy asks again and again.
pub(super) fn resolver() -> Value {
    extension(
        "envoy.network.dns_resolver.cares",
        "extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        json!({"query_timeout_seconds": 2, "query_tries": 1}),
    )
}
