//! The content of one input.

use std::path::{Path, PathBuf};

use portolan_command::date::BuildDate;

use crate::geoip::merge::Claim;

/// What one input says.
#[derive(Debug)]
pub(crate) struct Source {
    /// The claims, in the order of the file.
    pub(crate) claims: Vec<Claim>,
    /// How many networks the file says nobody can locate (ZZ, XX, or no country at all).
    pub(crate) unlocated: usize,
    /// How many records or lines name a subdivision without its code.
    pub(crate) nameless: usize,
    /// How many records have a place only where Envoy does not look for it (`country_code`).
    pub(crate) flat: usize,
    /// Of which day the data is; a CSV file does not say.
    pub(crate) date: Option<BuildDate>,
    /// Name and, where the file has one, its own description of itself.
    pub(crate) description: String,
}

/// The last part of a path: the same wherever the file lies, so that it may go into the output.
pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    name.display().to_string()
}
