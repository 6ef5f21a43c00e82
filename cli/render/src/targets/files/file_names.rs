//! The names of the files and directories in a directory of `--target files`.

/// The directory of the small files of secrets.
pub(crate) const SECRETS: &str = "sds";
/// How the directory was rendered, and which policies were in force.
pub(super) const STATE: &str = "portolan.json";
/// The bootstrap.
pub(super) const BOOTSTRAP: &str = "envoy.yaml";
/// The directory of the policies to go back to.
pub(super) const VERSIONS: &str = "versions";
/// What is locked while the directory is changed.
pub(super) const LOCK: &str = ".lock";
