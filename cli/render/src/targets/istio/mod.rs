//! `--target istio`: objects for Kubernetes by which Istio configures a gateway that serves a
//! policy.
//!
//! The filter comes as a `WasmPlugin`, its policy in `pluginConfig`: another policy of the same
//! backends is a message to Envoy's extension discovery and no new listener. The connection manager
//! is ours at both levels, because Istio's own would normalise paths, take websockets and believe
//! headers. What differs is who carries a decision out:
//!
//! * `plugin`: a `ServiceEntry`, a `DestinationRule` and routes of a `VirtualService` for each
//!   backend;
//! * `full`: the clusters and routes of the bootstrap, as patches of one `EnvoyFilter`.
//!
//! [`limits`] lists what a level cannot express and refuses a policy that needs it.

pub(crate) mod arguments;
mod filter;
mod full;
mod limits;
mod manager;
mod names;
mod object;
mod patch;
mod plugin;

#[cfg(test)]
mod tests;

use portolan_command::policy_file::LoadedPolicy;
use serde_json::Value;

use super::files::split;
use crate::arguments::SiteArgs;
use crate::error::RenderError;
use crate::options::Target;
use crate::rendering::Rendering;
use crate::{bootstrap, yaml};
pub(crate) use arguments::{IstioArgs, Level};
use filter::Module;
use names::Names;
use patch::Patches;

/// A policy as objects for Istio, and what its operator has still to do.
pub(crate) struct Rendered {
    /// The objects, a YAML document each.
    pub(crate) text: String,
    /// What was rendered, for the files of its secrets.
    pub(crate) rendering: Rendering,
}

/// Renders a policy for Istio.
///
/// # Errors
///
/// A policy that needs more than the level has, each reason with the path of its field; options
/// that do not go with the policy or the target.
pub(crate) fn render(
    policy: &LoadedPolicy,
    site: &SiteArgs,
    arguments: &IstioArgs,
) -> Result<Rendered, RenderError> {
    let level = arguments.level();
    limits::check(policy, level).map_err(RenderError::Policy)?;
    site.check_for_a_gateway()?;
    let module = Module::of(site.wasm());
    let site = site.clone().with_wasm(module.in_a_configuration());
    let rendering = Rendering::of(policy, &site, Target::Istio)?;
    let names = Names::new(arguments, rendering.options.listen);
    let objects = objects(&rendering, &names, &module, level);
    let documents: Vec<String> = objects.iter().map(yaml::print).collect();
    let text = format!("{}{}", header(policy.file(), level), documents.join("---\n"));
    Ok(Rendered { text, rendering })
}

/// All objects, in the order in which they may be made.
fn objects(rendering: &Rendering, names: &Names, module: &Module, level: Level) -> Vec<Value> {
    let Rendering { json, options, .. } = rendering;
    let model = rendering.model();
    let mut parts = split(bootstrap::bootstrap(&model), options);
    let mut patches = Patches::of(names);
    let mut delivery = filter::Delivery::new(module);
    let clusters = std::mem::take(&mut parts.clusters);
    let routes = std::mem::take(&mut parts.routes);
    let time_limits = model.serving.time_limits;
    manager::add(&mut patches, &parts, names, level, time_limits, &mut delivery);
    filter::add(&mut patches, &parts.filters, module);
    let mut objects = vec![filter::plugin(names, module, json), names.gateway()];
    match level {
        Level::Plugin => objects.extend(plugin::objects(&model, names)),
        Level::Full => full::add(&mut patches, clusters, routes, delivery),
    }
    objects.push(patches.object());
    objects
}

/// Whoever opens the file learns where it came from.
fn header(policy: &str, level: Level) -> String {
    let file = std::path::Path::new(policy).file_name().unwrap_or_default().to_string_lossy();
    let level = level.word();
    format!(
        "# Objects for Istio, made by `portolan render --target istio --level {level}` from {file}.\n\
         # They configure a gateway that serves nothing else. Change the policy and render again.\n"
    )
}
