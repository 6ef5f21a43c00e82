//! Directories of `portolan render --target files`: their history, and the Envoys that use them.

use std::path::{Path, PathBuf};

use super::arguments::{StatusArgs, Target};
use super::report::{Before, Directory};
use crate::reload::{ReloadError, remembered};

/// The Envoys that are asked: those that were named, and those of the directories.
///
/// # Errors
///
/// A directory is none, or cannot be read.
pub(super) fn envoys(arguments: &StatusArgs) -> Result<Vec<Target>, ReloadError> {
    let mut all: Vec<Target> = arguments.envoys().cloned().collect();
    for directory in arguments.directories() {
        let site = remembered(directory)?.site;
        let target = Target::at(site.metrics().unwrap_or_else(|| site.admin()));
        all.extend(target.filter(|target| !all.contains(target)));
    }
    Ok(all)
}

/// What they remember now. Of one that cannot be read any more, nothing is said.
pub(super) fn all(directories: &[PathBuf]) -> Vec<Directory> {
    directories.iter().filter_map(|path| of(path)).collect()
}

fn of(path: &Path) -> Option<Directory> {
    let found = remembered(path).ok()?;
    let (last, before) = found.versions.split_last()?;
    let before = before
        .iter()
        .rev()
        .map(|version| Before { policy: version.policy.clone(), since: version.since.to_string() });
    Some(Directory {
        path: path.display().to_string(),
        policy: last.policy.clone(),
        since: last.since.to_string(),
        unfinished: found.is_unfinished,
        before: before.collect(),
    })
}
