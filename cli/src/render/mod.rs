//! `portolan render`: a policy becomes the whole configuration of an Envoy that serves it.
//!
//! The walk: [`arguments`] are what a person typed, [`options`] what was checked of it;
//! [`bootstrap`] puts the parts together, each part a pure function to a JSON value in a file of
//! its own; [`yaml`] prints it. The same policy and options give the same bytes.

mod access_log;
mod admin_access;
mod aggregate;
mod arguments;
mod bootstrap;
mod browsers;
mod client_address;
mod cluster;
mod connection_manager;
mod credential_filter;
mod downstream_tls;
mod early_headers;
mod envoy_version;
mod error;
mod filter_state;
mod forwarded_for;
mod geoip;
mod health;
mod leftover;
mod listener;
mod local_replies;
mod loops;
mod metrics;
mod next_cluster;
mod options;
mod origin;
mod overload;
mod patience;
mod policy_hash;
mod private_addresses;
mod redirect_cluster;
mod redirects;
mod routes;
mod secret;
mod service_cluster;
mod stats;
mod typed;
mod upstream_filters;
mod upstream_headers;
mod upstream_tls;
mod wasm;
mod yaml;

#[cfg(test)]
mod tests;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) use arguments::{RenderArgs, SiteArgs, admin_address};
pub(crate) use error::RenderError;

use portolan_core::config::Config;

use crate::output::say;
use crate::policy_file::{self, LoadedPolicy};
use secret::Secret;

/// Renders the policy that the arguments name, to `out` or to the file they name.
///
/// # Errors
///
/// A policy with mistakes, options that do not go with it, or a file that cannot be written.
pub(crate) fn run(arguments: &RenderArgs, out: &mut dyn Write) -> Result<(), RenderError> {
    let policy = policy_file::load(&arguments.policy).map_err(RenderError::Policy)?;
    // A newline at its end makes it a text file, and a plain `|` block in the YAML.
    let policy_json = policy_file::to_json(&policy.document) + "\n";
    let text = if arguments.filter_configuration {
        policy_json
    } else {
        whole(arguments, &policy, &policy_json)?
    };
    match &arguments.output {
        Some(path) => put(path, &text),
        None => out.write_all(text.as_bytes()).map_err(RenderError::Print),
    }
}

/// Renders for an Envoy of this machine: `envoy.yaml` in `directory`, and beside it what that refers to.
///
/// # Errors
///
/// As for [`run`].
pub(crate) fn into_directory(
    policy: &Path,
    site: SiteArgs,
    directory: &Path,
) -> Result<PathBuf, RenderError> {
    fs::create_dir_all(directory)
        .map_err(|source| RenderError::Output { path: directory.to_owned(), source })?;
    let output = directory.join("envoy.yaml");
    let arguments = RenderArgs {
        policy: policy.to_owned(),
        site,
        sds_output: Some(directory.join("sds")),
        filter_configuration: false,
        output: Some(output.clone()),
    };
    // It goes into the file, and not here.
    run(&arguments, &mut std::io::sink())?;
    Ok(output)
}

/// The text of the whole configuration. The files that it refers to are written first: an Envoy that
/// finds the one finds the others.
fn whole(
    arguments: &RenderArgs,
    policy: &LoadedPolicy,
    policy_json: &str,
) -> Result<String, RenderError> {
    let options = arguments.site.options(&policy.config)?;
    redirects::check(&policy.config, options.envoy)?;
    if let Some(directory) = &arguments.sds_output {
        write_sds(directory, &policy.config)?;
    }
    for note in leftover::notes(&policy.config, &options, arguments.sds_output.is_some()) {
        say(note);
    }
    let bootstrap = bootstrap::bootstrap(&policy.config, policy_json, &options);
    Ok(format!("{}{}", header(options.envoy, &arguments.policy), yaml::print(&bootstrap)))
}

fn write_sds(directory: &Path, config: &Config) -> Result<(), RenderError> {
    let secrets = secret::all(config);
    if !secrets.is_empty() {
        fs::create_dir_all(directory)
            .map_err(|source| RenderError::Output { path: directory.to_owned(), source })?;
    }
    let write = |secret: &Secret| put(&directory.join(secret.file_name()), &secret.file_text());
    secrets.iter().try_for_each(write)
}

fn put(path: &Path, text: &str) -> Result<(), RenderError> {
    crate::replace::replace(path, text.as_bytes())
        .map_err(|source| RenderError::Output { path: path.to_owned(), source })
}

/// Whoever opens the file learns where it came from. The policy's directory is left out: it
/// differs from machine to machine.
fn header(envoy: envoy_version::EnvoyVersion, policy: &Path) -> String {
    let name = match policy.file_name().unwrap_or_default().to_string_lossy() {
        name if name == "-" => "the standard input".into(),
        name => name,
    };
    format!(
        "# The configuration of Envoy {envoy}, made by `portolan render` from {name}.\n\
         # Change that file and render again; what is changed here is lost.\n"
    )
}
