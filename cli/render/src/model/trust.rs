//! The certificates by which backends and services are verified, and the files of secrets.

use crate::options::Options;
use crate::secret::SecretFiles;

/// Whom to trust where a policy names no certificates of its own, and where it says which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust<'p> {
    /// The path of the CA certificates of the system.
    pub(crate) system_certificates: &'p str,
    /// The files of secrets.
    pub(crate) secrets: SecretFiles<'p>,
}

impl<'p> Trust<'p> {
    /// What the options say.
    pub(super) fn of(options: &'p Options) -> Self {
        Self { system_certificates: &options.system_certificates, secrets: secret_files(options) }
    }
}

/// Where an SDS file is, and what it is called.
pub(crate) fn secret_files(options: &Options) -> SecretFiles<'_> {
    SecretFiles {
        directory: &options.sds_directory,
        are_named_by_content: options.target.is_changed_while_envoy_runs(),
    }
}
