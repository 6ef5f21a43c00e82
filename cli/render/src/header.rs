//! The comment at the top of a rendered file.

use std::path::Path;

use super::options::Options;

/// Whoever opens the file learns where it came from. The policy's directory is left out: it
/// differs from machine to machine.
pub(super) fn header(options: &Options, policy: &Path) -> String {
    let name = match policy.file_name().unwrap_or_default().to_string_lossy() {
        name if name == "-" => "the standard input".into(),
        name => name,
    };
    let Options { envoy, policy, .. } = options;
    format!(
        "# The configuration of Envoy {envoy}, made by `portolan render` from {name}.\n\
         # Change that file and render again; what is changed here is lost.\n\
         # The policy has the fingerprint {policy}.\n"
    )
}

/// The same for the bootstrap of a directory, which is for any policy.
pub(super) fn header_of_directory(options: &Options) -> String {
    format!(
        "# What Envoy {} reads once, made by `portolan render --target files`. The policy is in the files that are\n\
         # named here; `portolan apply` changes it while Envoy runs.\n",
        options.envoy
    )
}
