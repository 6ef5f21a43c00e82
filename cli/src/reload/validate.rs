//! `envoy --mode validate`: what an Envoy says of a configuration before any Envoy gets it.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::ReloadError;

/// An Envoy to ask.
pub(super) struct Program(PathBuf);

impl Program {
    /// The one that somebody has named.
    pub(super) const fn named(path: PathBuf) -> Self {
        Self(path)
    }

    /// The one that a shell would find.
    pub(super) fn in_path() -> Option<Self> {
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .map(|place| place.join("envoy"))
            .find(|file| file.is_file())
            .map(Self)
    }
}

/// Has the program look at a whole configuration, the filter included. It is written to `place`
/// meanwhile: where the root of the file system is read-only, there may be no other.
///
/// # Errors
///
/// What it says against it; or that it does not run.
pub(super) fn validate(
    program: &Program,
    bootstrap: &str,
    place: &Path,
) -> Result<(), ReloadError> {
    let invalid = |says: String| ReloadError::Invalid { program: program.0.clone(), says };
    let unusable = |error: std::io::Error| invalid(format!("it cannot be run: {error}"));
    let named = tempfile::Builder::new().prefix(".validate-").suffix(".yaml").tempfile_in(place);
    let mut file = named.map_err(unusable)?;
    file.write_all(bootstrap.as_bytes()).map_err(unusable)?;
    let done = Command::new(&program.0)
        .args(["--mode", "validate", "--disable-hot-restart", "--log-level", "warning", "-c"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .map_err(unusable)?;
    if done.status.success() {
        return Ok(());
    }
    let says = [done.stdout, done.stderr].concat();
    Err(invalid(String::from_utf8_lossy(&says).trim().to_owned()))
}
