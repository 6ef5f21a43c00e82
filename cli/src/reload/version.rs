//! `portolan version`: what this release is, reads, and was tested with.

use std::io::{self, Write};

use clap::Args;
use portolan_core::config::VERSION;
use portolan_render::TESTED;

/// Say what this release is.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The commit that it was built from. The build passes it in; a build by hand may not.
const COMMIT: Option<&str> = option_env!("PORTOLAN_COMMIT");

/// Says it.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &VersionArgs, out: &mut impl Write) -> io::Result<()> {
    let (release, commit) = (env!("CARGO_PKG_VERSION"), COMMIT.unwrap_or("unknown"));
    if arguments.json {
        let all = serde_json::json!({
            "version": release, "commit": commit, "policy_version": VERSION, "envoy": TESTED,
        });
        return writeln!(out, "{all}");
    }
    writeln!(out, "portolan {release}")?;
    writeln!(out, "commit {commit}")?;
    writeln!(out, "policies of version {VERSION}")?;
    writeln!(out, "tested with Envoy {}", TESTED.join(", "))
}
