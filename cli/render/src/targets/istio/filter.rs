//! The way of the filter's module to Envoy: a `WasmPlugin` for decisions, extension discovery for
//! attempts.

use std::collections::BTreeMap;

use portolan_core::config::Fingerprint;
use serde_json::{Value, json};

use super::names::{NAME, Names};
use super::object::object;
use super::patch::Patches;
use crate::targets::files::{DECIDES, name_of};

/// Where the proxy gets the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Module {
    /// From a file in the proxy's own file system.
    File(String),
    /// From a registry or a web server, fetched by Istio's agent beside the proxy.
    Remote(String),
}

impl Module {
    /// A path, or a URL of the schemes `file`, `oci`, `http` and `https`.
    pub(super) fn of(text: &str) -> Self {
        match text.strip_prefix("file://") {
            Some(path) => Self::File(path.to_owned()),
            None if text.contains("://") => Self::Remote(text.to_owned()),
            None => Self::File(text.to_owned()),
        }
    }

    /// As a `WasmPlugin` has it.
    fn url(&self) -> String {
        match self {
            Self::File(path) => format!("file://{path}"),
            Self::Remote(url) => url.clone(),
        }
    }

    /// As a configuration has it before [`Delivery`] has looked at it.
    pub(super) fn in_a_configuration(&self) -> &str {
        match self {
            Self::File(text) | Self::Remote(text) => text,
        }
    }

    /// Where Envoy finds it. The agent puts the path of the file that it has fetched in the place
    /// of a URL; the name of the cluster is never used.
    fn code(&self) -> Value {
        match self {
            Self::File(path) => json!({"local": {"filename": path}}),
            Self::Remote(url) => {
                json!({"remote": {"http_uri": {"uri": url, "timeout": "60s", "cluster": "fetched-by-the-agent"}}})
            }
        }
    }
}

/// The `WasmPlugin` that decides. Its place among the filters is in our connection manager.
pub(super) fn plugin(names: &Names, module: &Module, policy_json: &str) -> Value {
    let policy: Value = serde_json::from_str(policy_json).unwrap_or_default();
    let mut spec = json!({
        "selector": {"matchLabels": names.labels()},
        "url": module.url(),
        // Should the filter stop, requests are refused until Envoy has started it again.
        "failStrategy": "FAIL_RELOAD",
        "pluginConfig": policy,
    });
    if let (Value::Object(fields), Some(secret)) = (&mut spec, &names.image_pull_secret) {
        fields.insert("imagePullSecret".to_owned(), secret.as_str().into());
    }
    object(&names.namespace, "extensions.istio.io/v1alpha1", "WasmPlugin", NAME, &spec)
}

/// The contents of the filters whose places the connection manager keeps, but for the one that
/// decides.
pub(super) fn add(patches: &mut Patches<'_>, filters: &[Value], module: &Module) {
    for filter in filters.iter().filter(|filter| name_of(filter) != DECIDES) {
        let mut filter = filter.clone();
        if let Some(content) = filter.get_mut("typed_config") {
            deliver(content, module);
        }
        patches.add("EXTENSION_CONFIG", filter);
    }
}

/// Makes filters of attempts such that Istio delivers them, and collects what it has to deliver.
pub(super) struct Delivery<'m> {
    module: &'m Module,
    /// The contents of filters, by the names under which they are discovered.
    contents: BTreeMap<String, Value>,
}

impl<'m> Delivery<'m> {
    /// Nothing collected yet.
    pub(super) const fn new(module: &'m Module) -> Self {
        Self { module, contents: BTreeMap::new() }
    }

    /// The filters of a cluster.
    pub(super) fn of_cluster(&mut self, mut cluster: Value) -> Value {
        let options = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";
        self.of_attempts(&mut cluster, options);
        cluster
    }

    /// The filters of attempts that are at a place of something, if there are any.
    pub(super) fn of_attempts(&mut self, whole: &mut Value, place: &str) {
        let filters = whole.pointer_mut(place).and_then(Value::as_array_mut);
        for filter in filters.into_iter().flatten() {
            self.of_filter(filter);
        }
    }

    /// A file is named where it is needed. A URL is only looked at by the agent where extensions
    /// are discovered.
    fn of_filter(&mut self, filter: &mut Value) {
        let Some(content) = filter.get_mut("typed_config").filter(|content| is_wasm(content))
        else {
            return;
        };
        deliver(content, self.module);
        if matches!(self.module, Module::File(_)) {
            return;
        }
        let name = format!("portolan.attempt.{}", Fingerprint::of([content.to_string()]));
        let content = content.take();
        *filter = json!({
            "name": name,
            "config_discovery": {
                "config_source": {"resource_api_version": "V3", "ads": {}},
                "type_urls": [WASM, DENIES_ALL],
            },
        });
        self.contents.insert(name, content);
    }

    /// What was collected.
    pub(super) fn add_to(self, patches: &mut Patches<'_>) {
        for (name, content) in self.contents {
            patches.add("EXTENSION_CONFIG", json!({"name": name, "typed_config": content}));
        }
    }
}

/// The type of a filter of ours.
pub(super) const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// The type of what Istio's agent puts in the place of a filter that it could not fetch: it refuses
/// every request.
pub(super) const DENIES_ALL: &str =
    "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

fn is_wasm(content: &Value) -> bool {
    content.get("@type").and_then(Value::as_str) == Some(WASM)
}

/// Says where the module is. A `WasmPlugin` names no machine of its own, so the other filters name
/// none either: all of a worker share one, and with it tokens and what is remembered.
fn deliver(content: &mut Value, module: &Module) {
    if !is_wasm(content) {
        return;
    }
    let machine = content.pointer_mut("/config/vm_config").and_then(Value::as_object_mut);
    if let Some(machine) = machine {
        machine.remove("vm_id");
        machine.insert("code".to_owned(), module.code());
    }
}
