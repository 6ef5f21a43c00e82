//! `portolan render`: a policy becomes the whole configuration of an Envoy that serves it.
//!
//! [`arguments`] are what a person typed and [`options`] what was checked of it; [`rendering`]
//! holds both against the policy. [`model`] decides once what Envoy has to have, and is all that
//! sees the policy as a whole. [`bootstrap`] puts the whole together, each part a pure function to
//! a JSON value in a file of its own; [`targets`] takes it apart again for other forms, and
//! [`yaml`] prints it. The same policy and options give the same bytes. In which order the files
//! may need each other is in ARCHITECTURE.md, "The renderer".

mod access_log;
mod admin_access;
mod aggregate;
mod arguments;
mod bootstrap;
mod browsers;
mod budgets;
mod cache;
mod client_address;
mod client_limits;
mod cluster;
mod collector;
mod connection_manager;
mod credential_filter;
mod downstream_tls;
mod early_headers;
mod egress;
mod envoy_version;
mod error;
mod fill_listener;
mod fill_url;
mod filter;
mod filter_state;
mod followed_redirects;
mod forwarded_for;
mod geoip;
mod global_rate_limit;
mod header;
mod health;
mod http3;
mod http_redirect;
mod inside;
mod limits;
mod listener;
mod local_rate_limit;
mod local_replies;
mod loops;
mod metrics;
mod model;
mod next_cluster;
mod node_error;
mod notes;
mod options;
mod origin;
mod overload;
mod private_addresses;
mod rate_limit_service;
mod redirect_target_cluster;
mod rendering;
mod resolver;
mod retry_priority;
mod routes;
mod secret;
mod service_cluster;
mod small_cluster;
mod socket;
mod stats;
mod targets;
mod tracing;
mod typed;
mod upstream_filters;
mod upstream_headers;
mod upstream_tls;
mod yaml;

#[cfg(test)]
mod tests;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use portolan_command::output::say;
use portolan_command::policy_file::{self, LoadedPolicy};

pub use arguments::{RenderArgs, SiteArgs, admin_address};
pub use cache::HOST as CACHE_HOST;
pub use envoy_version::TESTED;
pub use error::RenderError;
pub use fill_url::FillUrl;
use header::header;
pub use listener::NAME as LISTENER;
use model::Model;
pub use node_error::NodeError;
pub use options::Target;
pub use rendering::Rendering;
use secret::Secret;
pub use targets::cache_node::{
    LISTING as NODE_LISTING, NodeFiles, NodeSite, STATISTICS as NODE_STATISTICS, of_node,
};
pub use targets::files::{self, FileSet};
use targets::{cache_node, envoy_gateway, istio};

/// Renders the policy that the arguments name, to `out` or to the file or directory they name.
///
/// # Errors
///
/// A policy with mistakes, options that do not go with it, or a file that cannot be written.
pub fn run(arguments: &RenderArgs, out: &mut dyn Write) -> Result<(), RenderError> {
    check_options(arguments)?;
    let policy = policy_file::load(&arguments.policy).map_err(RenderError::Policy)?;
    if let (Target::Files, Some(directory)) = (arguments.target, &arguments.directory) {
        return into_files(&arguments.site, &policy, directory);
    }
    if let (Target::CacheNode, Some(directory)) = (arguments.target, &arguments.directory) {
        return for_nodes(arguments, &policy, directory);
    }
    let text = if arguments.filter_configuration {
        // A newline at its end makes it a text file, and a plain `|` block in the YAML.
        policy_file::to_json(&policy.document) + "\n"
    } else if arguments.target == Target::Istio {
        for_istio(arguments, &policy)?
    } else if arguments.target == Target::EnvoyGateway {
        for_envoy_gateway(arguments, &policy)?
    } else if arguments.target == Target::Kubernetes {
        for_kubernetes(arguments, &policy)?
    } else if arguments.target == Target::RateLimitService {
        yaml::print(&global_rate_limit::of_service(policy.config.clients())?)
    } else {
        whole(arguments, &policy)?
    };
    match &arguments.output {
        Some(path) => put(path, &text),
        None => out.write_all(text.as_bytes()).map_err(RenderError::Print),
    }
}

/// Renders for an Envoy of this machine that does not run yet, as a directory that `portolan apply`
/// can change; the path of what Envoy is started with.
///
/// # Errors
///
/// As for [`run`].
pub fn into_directory(
    policy: &Path,
    site: &SiteArgs,
    directory: &Path,
) -> Result<PathBuf, RenderError> {
    let policy = policy_file::load(policy).map_err(RenderError::Policy)?;
    fs::create_dir_all(directory)
        .map_err(|source| RenderError::Output { path: directory.to_owned(), source })?;
    into_files(site, &policy, directory)?;
    Ok(files::Directory::new(directory).bootstrap())
}

/// The text of the whole configuration. The files that it refers to are written first: an Envoy
/// that finds the one finds the others.
fn whole(arguments: &RenderArgs, policy: &LoadedPolicy) -> Result<String, RenderError> {
    let rendering = Rendering::of(policy, &arguments.site, Target::Bootstrap)?;
    let model = rendering.model();
    write_secrets(&model, arguments.sds_output.as_deref())?;
    let whole = bootstrap::bootstrap(&model);
    if arguments.output.as_deref().is_some_and(is_json) {
        return Ok(format!("{whole}\n"));
    }
    let header = header(&rendering.options, &arguments.policy);
    Ok(format!("{header}{}", yaml::print(&whole)))
}

/// Whether Envoy reads a file as JSON, which it tells by the name.
fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// The files of the nodes of caches. They are filled where an Envoy with the same options listens
/// for it, unless told.
fn for_nodes(
    arguments: &RenderArgs,
    policy: &LoadedPolicy,
    directory: &Path,
) -> Result<(), RenderError> {
    let fill = match &arguments.fill_url {
        Some(url) => url.clone(),
        None => FillUrl::of(arguments.site.cache_fill())?,
    };
    let site = NodeSite::of_debian(&fill, &arguments.cache_operators);
    cache_node::write(policy.config.caches(), &site, directory)
}

/// Options of one target are a mistake with another.
fn check_options(arguments: &RenderArgs) -> Result<(), RenderError> {
    let target = arguments.target;
    let of_istio = arguments.istio.typed().filter(|_| target != Target::Istio);
    let of_both = arguments
        .istio
        .typed_for_gateways()
        .filter(|_| !matches!(target, Target::Istio | Target::EnvoyGateway));
    let of_envoy_gateway =
        arguments.envoy_gateway.typed().filter(|_| target != Target::EnvoyGateway);
    let of_nodes = [
        (!arguments.cache_operators.is_empty()).then_some("--cache-operators"),
        arguments.fill_url.is_some().then_some("--fill-url"),
    ];
    let of_nodes = of_nodes.into_iter().flatten().next();
    let of_nodes = of_nodes.filter(|_| target != Target::CacheNode);
    let wrong = [
        (of_istio.or(of_both), "istio"),
        (of_envoy_gateway, "envoy-gateway"),
        (of_nodes, "cache-node"),
    ];
    match wrong.into_iter().find_map(|(option, target)| Some((option?, target))) {
        Some((option, target)) => Err(RenderError::OptionOfATarget { option, target }),
        None => Ok(()),
    }
}

/// The objects for Istio.
fn for_istio(arguments: &RenderArgs, policy: &LoadedPolicy) -> Result<String, RenderError> {
    let rendered = istio::render(policy, &arguments.site, &arguments.istio)?;
    files_of_a_gateway(arguments, &rendered.rendering)?;
    Ok(rendered.text)
}

/// The objects for Envoy Gateway.
fn for_envoy_gateway(arguments: &RenderArgs, policy: &LoadedPolicy) -> Result<String, RenderError> {
    let typed = envoy_gateway::Typed { own: &arguments.envoy_gateway, shared: &arguments.istio };
    let rendered = envoy_gateway::render(policy, &arguments.site, &typed)?;
    files_of_a_gateway(arguments, &rendered.rendering)?;
    Ok(rendered.text)
}

/// The files of the secrets are written as for a bootstrap: the pods of the gateway have to see
/// them.
fn files_of_a_gateway(arguments: &RenderArgs, rendering: &Rendering) -> Result<(), RenderError> {
    write_secrets(&rendering.model(), arguments.sds_output.as_deref())
}

/// The objects of a cluster. What pods listen at and where their files are the chart says, so no
/// option does.
fn for_kubernetes(arguments: &RenderArgs, policy: &LoadedPolicy) -> Result<String, RenderError> {
    let has_files = arguments.directory.is_some() || arguments.sds_output.is_some();
    if has_files || !arguments.site.is_as_if_nothing_was_typed() {
        return Err(RenderError::OptionsOfOneEnvoy);
    }
    let made = targets::kubernetes::manifests(policy, &arguments.site)?;
    made.notes.into_iter().for_each(say);
    Ok(made.text)
}

/// Writes the files of a directory, all at once: this is for an Envoy that does not run yet.
fn into_files(site: &SiteArgs, policy: &LoadedPolicy, directory: &Path) -> Result<(), RenderError> {
    let site = site.clone().in_directory(directory)?;
    let rendering = Rendering::of(policy, &site, Target::Files)?;
    rendering.notes().into_iter().for_each(say);
    let set = FileSet::of(&rendering);
    files::Directory::new(directory).start(&set, &site).map_err(RenderError::Directory)
}

/// Writes the files that say where secrets are, if there is a directory for them, and says what is
/// left to do.
fn write_secrets(model: &Model<'_>, directory: Option<&Path>) -> Result<(), RenderError> {
    if let Some(directory) = directory {
        write_sds(directory, model)?;
    }
    notes::of(model, directory.is_some()).into_iter().for_each(say);
    Ok(())
}

fn write_sds(directory: &Path, model: &Model<'_>) -> Result<(), RenderError> {
    if !model.secrets.is_empty() {
        fs::create_dir_all(directory)
            .map_err(|source| RenderError::Output { path: directory.to_owned(), source })?;
    }
    let files = model.trust.secrets;
    let write =
        |secret: &Secret| put(&directory.join(secret.file_name(files)), &secret.file_text(files));
    model.secrets.iter().try_for_each(write)
}

fn put(path: &Path, text: &str) -> Result<(), RenderError> {
    portolan_command::replace::replace(path, text.as_bytes())
        .map_err(|source| RenderError::Output { path: path.to_owned(), source })
}
