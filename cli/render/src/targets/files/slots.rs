//! The HTTP filters that a listener keeps places for, whether the policy has them or not.
//!
//! A filter that comes or goes would change the listener. So each has its place always, and where
//! the policy does not have it, one that does nothing stands there.

use serde_json::{Value, json};

use super::named::name_of;
use crate::filter::{self, DECIDES};
use crate::options::Options;
use crate::typed::typed;
use crate::{budgets, client_limits, global_rate_limit, local_rate_limit};

/// One place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// The name of the filter.
    pub(super) name: &'static str,
    /// Its message.
    message: &'static str,
    /// Whether only some routes have it.
    pub(super) is_disabled: bool,
}

const fn slot(name: &'static str, message: &'static str) -> Slot {
    Slot { name, message, is_disabled: false }
}

const fn for_some_routes(name: &'static str, message: &'static str) -> Slot {
    Slot { name, message, is_disabled: true }
}

const ADDRESSES: &str = "extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig";

/// All places that there may be, in the order of the connection manager. The router, which ends the
/// chain, is not among them.
const ALL: [Slot; 12] = [
    slot("envoy.filters.http.health_check", "extensions.filters.http.health_check.v3.HealthCheck"),
    slot("envoy.filters.http.cdn_loop", "extensions.filters.http.cdn_loop.v3.CdnLoopConfig"),
    slot("envoy.filters.http.cors", "extensions.filters.http.cors.v3.Cors"),
    slot("envoy.filters.http.geoip", "extensions.filters.http.geoip.v3.Geoip"),
    slot(
        "envoy.filters.http.set_filter_state",
        "extensions.filters.http.set_filter_state.v3.Config",
    ),
    slot(client_limits::NAME, local_rate_limit::MESSAGE),
    for_some_routes("portolan.token", filter::WASM),
    slot(DECIDES, filter::WASM),
    for_some_routes("portolan.any-addresses", ADDRESSES),
    for_some_routes("portolan.public-addresses", ADDRESSES),
    slot(budgets::NAME, local_rate_limit::MESSAGE),
    slot(global_rate_limit::NAME, global_rate_limit::MESSAGE),
];

/// Those that there are with some options: what only an option brings stays away without it.
pub(super) fn all(options: &Options) -> impl Iterator<Item = Slot> {
    let has_service = options.rate_limit_service.is_some();
    ALL.into_iter().filter(move |slot| has_service || slot.name != global_rate_limit::NAME)
}

/// The message of a filter that does nothing: a mutation of headers without a mutation.
const NOTHING: &str = "extensions.filters.http.header_mutation.v3.HeaderMutation";

impl Slot {
    /// The place as the listener has it: Envoy finds the filter in a file of its own.
    pub(super) fn filter(self, source: &Value, options: &Options) -> Value {
        let message = match self.message {
            filter::WASM => filter::message(options.filter.as_ref()),
            other => other,
        };
        let type_url = |message: &str| format!("type.googleapis.com/envoy.{message}");
        let mut filter = json!({
            "name": self.name,
            "config_discovery": {
                "config_source": source,
                "type_urls": [type_url(message), type_url(NOTHING)],
            },
        });
        if let (Value::Object(fields), true) = (&mut filter, self.is_disabled) {
            fields.insert("disabled".to_owned(), true.into());
        }
        filter
    }

    /// What stands at the place: the policy's filter, or one that does nothing.
    pub(super) fn content(self, filters: &[Value]) -> Value {
        let own = filters.iter().find(|filter| name_of(filter) == self.name);
        let own = own.and_then(|filter| filter.get("typed_config")).cloned();
        let content = own.unwrap_or_else(|| typed(NOTHING, json!({"mutations": {}})));
        json!({
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": self.name,
            "typed_config": content,
        })
    }
}

/// Whether a filter is one that does nothing.
pub fn does_nothing(filter: &Value) -> bool {
    let message = filter.pointer("/typed_config/@type").and_then(Value::as_str);
    message.is_some_and(|message| message.ends_with(NOTHING))
}
