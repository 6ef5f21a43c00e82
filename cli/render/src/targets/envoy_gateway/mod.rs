//! `--target envoy-gateway`: objects for Kubernetes by which Envoy Gateway configures a gateway
//! that serves a policy.
//!
//! A `Gateway` with an `HTTPRoute` that answers 503 makes a listener; an `EnvoyExtensionPolicy`
//! names the module of the filter and has the policy as its `config`; an `EnvoyPatchPolicy` puts
//! our connection manager in the place of Envoy Gateway's, and adds our clusters ([`patches`]).
//! Whoever takes the last away gets 503 for everything.
//!
//! [`limits`] lists what Envoy Gateway cannot express and refuses a policy that needs it.

pub(crate) mod arguments;
mod limits;
mod module;
mod object;
mod patches;

#[cfg(test)]
mod tests;

use portolan_command::policy_file::LoadedPolicy;
use serde_json::{Value, json};

use crate::arguments::SiteArgs;
use crate::error::RenderError;
use crate::options::Target;
use crate::rendering::Rendering;
use crate::typed::object as joined;
use crate::{bootstrap, yaml};
use module::Module;
pub(crate) use object::Typed;
use object::{EXTENSIONS, GATEWAYS, NAME, Names, object};

/// A policy as objects for Envoy Gateway.
pub(crate) struct Rendered {
    /// The objects, a YAML document each.
    pub(crate) text: String,
    /// What was rendered, for the files of its secrets.
    pub(crate) rendering: Rendering,
}

/// Renders a policy for Envoy Gateway.
///
/// # Errors
///
/// A policy that needs more than Envoy Gateway has, each reason with the path of its field; options
/// that do not go with the policy or the target.
pub(crate) fn render(
    policy: &LoadedPolicy,
    site: &SiteArgs,
    typed: &Typed<'_>,
) -> Result<Rendered, RenderError> {
    limits::check(policy).map_err(RenderError::Policy)?;
    site.check_for_a_gateway()?;
    if !site.listen().ip().is_unspecified() {
        let instead = "write a port alone, such as `:8080`; the pods listen at all their addresses";
        return Err(RenderError::OptionOfAnEnvoy { option: "--listen", instead });
    }
    let module = Module::of(site.wasm());
    let site = site.clone().with_wasm(module.in_a_configuration());
    let rendering = Rendering::of(policy, &site, Target::EnvoyGateway)?;
    let Rendering { json, options, .. } = &rendering;
    let whole = bootstrap::bootstrap(&rendering.model());
    if patches::attempts(&whole) {
        limits::check_attempts(policy, &module).map_err(RenderError::Policy)?;
    }
    let names = Names { typed, listen: options.listen };
    let documents: Vec<String> =
        objects(&whole, json, &names, &module).iter().map(yaml::print).collect();
    let text = format!("{}{}", header(policy.file()), documents.join("---\n"));
    Ok(Rendered { text, rendering })
}

/// All objects, in the order in which they may be made.
fn objects(whole: &Value, policy_json: &str, names: &Names<'_>, module: &Module) -> Vec<Value> {
    let code = module.code(names.typed.own.wasm_sha256(), names.typed.shared.image_pull_secret());
    let extension = code.map(|code| extension(&code, policy_json, names));
    let patches = patches::policy(whole, names, module);
    extension.into_iter().chain([patches, nowhere(names), route(names), gateway(names)]).collect()
}

/// The module, and the policy as it is decided by.
fn extension(code: &Value, policy_json: &str, names: &Names<'_>) -> Value {
    let policy: Value = serde_json::from_str(policy_json).unwrap_or_default();
    let wasm = json!({"name": NAME, "code": code, "config": policy});
    let spec = json!({
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": NAME}],
        "wasm": [wasm],
    });
    object(names, EXTENSIONS, "EnvoyExtensionPolicy", &spec)
}

/// The answer while the listener is not ours.
fn nowhere(names: &Names<'_>) -> Value {
    let body = json!({"type": "Inline", "inline": "The policy is not in force.\n"});
    let answer = json!({"statusCode": 503, "contentType": "text/plain", "body": body});
    object(names, EXTENSIONS, "HTTPRouteFilter", &json!({"directResponse": answer}))
}

/// Without a route Envoy Gateway makes no listener.
fn route(names: &Names<'_>) -> Value {
    let reference =
        json!({"group": "gateway.envoyproxy.io", "kind": "HTTPRouteFilter", "name": NAME});
    let rule = json!({
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "filters": [{"type": "ExtensionRef", "extensionRef": reference}],
    });
    let spec = json!({"parentRefs": [{"name": NAME, "sectionName": NAME}], "rules": [rule]});
    object(names, GATEWAYS, "HTTPRoute", &spec)
}

/// The listener. The filter knows which hosts are served, and refuses others in the words of the
/// registry API.
fn gateway(names: &Names<'_>) -> Value {
    let protocol = if names.has_tls() { "HTTPS" } else { "HTTP" };
    let listener = json!({
        "name": NAME,
        "port": names.listen.port(),
        "protocol": protocol,
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    });
    let tls = names.typed.shared.tls_credential().map_or(Value::Null, |secret| {
        json!({"tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": secret}]}})
    });
    let spec = json!({
        "gatewayClassName": names.typed.own.gateway_class(),
        "listeners": [joined([listener, tls])],
    });
    object(names, GATEWAYS, "Gateway", &spec)
}

/// Whoever opens the file learns where it came from.
fn header(policy: &str) -> String {
    let file = std::path::Path::new(policy).file_name().unwrap_or_default().to_string_lossy();
    format!(
        "# Objects for Envoy Gateway, made by `portolan render --target envoy-gateway` from {file}.\n\
         # They configure a gateway that serves nothing else. Change the policy and render again.\n"
    )
}
