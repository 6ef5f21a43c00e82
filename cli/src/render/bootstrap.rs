//! The whole configuration.

use portolan_core::config::Config;
use serde_json::{Value, json};

use super::options::Options;
use super::{cluster, listener, overload};

/// The bootstrap of an Envoy that serves `config`.
///
/// `policy_json` is the same policy as the filter reads it. Everything is static: no server is
/// asked for configuration, so nothing but this file decides where a request can go.
pub(super) fn bootstrap(config: &Config, policy_json: &str, options: &Options) -> Value {
    let certificates = &options.system_certificates;
    let backends = config.backends().iter();
    let clusters: Vec<Value> = backends.map(|each| cluster::cluster(each, certificates)).collect();
    json!({
        "node": {"id": "portolan", "cluster": "portolan"},
        "admin": {"address": listener::address(options.admin)},
        "overload_manager": overload::manager(),
        "static_resources": {
            "listeners": [listener::listener(config, policy_json, options)],
            "clusters": clusters,
        },
    })
}
