//! Requests that have passed this proxy before, because DNS or a proxy leads a backend's name back
//! to the front.

use serde_json::{Value, json};

use super::typed::extension;

/// The name by which routes can switch it off.
pub(super) const NAME: &str = "envoy.filters.http.cdn_loop";

/// Adds this installation to the `CDN-Loop` of each request (RFC 8586) and refuses one that has it
/// already. The local replies say what that means.
pub(super) fn filter(identity: &str) -> Value {
    extension(
        NAME,
        "extensions.filters.http.cdn_loop.v3.CdnLoopConfig",
        json!({"cdn_id": identity}),
    )
}

/// The same for the listener that fills caches, under another name: what comes there has passed the
/// other one.
pub(super) fn filter_of_fills(identity: &str) -> Value {
    extension(
        NAME,
        "extensions.filters.http.cdn_loop.v3.CdnLoopConfig",
        json!({"cdn_id": format!("{identity}-fill")}),
    )
}
