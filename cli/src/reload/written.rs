//! The history in a directory of files: the policy in force, and those before it.

use std::path::Path;

use portolan_render::SiteArgs;
use portolan_render::files::{Directory, Version};

use super::carry_out::written;
use super::error::ReloadError;
use super::plan::Plan;

/// What a directory remembers.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    /// How it was rendered.
    pub(crate) site: SiteArgs,
    /// The policies that were in force, the last one being so now; none before the first.
    pub(crate) versions: Vec<Version>,
    /// Whether a change was stopped in its midst: some files are of another policy.
    pub(crate) is_unfinished: bool,
}

/// Reads it.
///
/// # Errors
///
/// The directory is none of `portolan render --target files`, or it cannot be read.
pub(crate) fn remembered(path: &Path) -> Result<Remembered, ReloadError> {
    let directory = Directory::new(path);
    let state = directory.state()?;
    let is_unfinished = match state.versions.last() {
        None => false,
        Some(last) => {
            let set = directory.set(&last.id)?;
            !Plan::new(&written(&directory, &set)?, &set).is_empty()
        }
    };
    Ok(Remembered { site: state.site, versions: state.versions, is_unfinished })
}
