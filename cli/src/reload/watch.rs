//! `--watch`: the policy in force again whenever its files are others.
//!
//! Kubernetes replaces the files of a mounted `ConfigMap` by a symbolic link, `..data`, that leads to a new
//! directory; an editor renames, a copy writes in place. All of these show in what the paths lead to, which is
//! looked at every second.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::ReloadError;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long nothing may change before they count as written.
const SHORT_PAUSE: Duration = Duration::from_millis(100);
/// How deep below the policy's directory its network files are looked for.
const DEPTH: usize = 3;

/// Calls `act` at once and after every change of the files beside the policy.
pub(super) fn forever(
    policy: &Path,
    mut act: impl FnMut() -> Result<(), ReloadError>,
) -> Result<(), ReloadError> {
    let mut acted = None;
    let mut seen = Signature::of(policy);
    loop {
        if acted.as_ref() != Some(&seen) {
            acted = Some(seen);
            act()?;
        }
        sleep(PAUSE);
        seen = settled(policy);
    }
}

/// What the files are when nobody writes to them any more.
fn settled(policy: &Path) -> Signature {
    let mut last = Signature::of(policy);
    for _ in 0..10 {
        sleep(SHORT_PAUSE);
        let now = Signature::of(policy);
        if now == last {
            break;
        }
        last = now;
    }
    last
}

/// What tells one state of some files from another: which they are, how large, and when they were written.
#[derive(Debug, PartialEq, Eq)]
struct Signature(Vec<(PathBuf, u64, u64, i64, i64)>);

impl Signature {
    fn of(policy: &Path) -> Self {
        let mut files = Vec::new();
        let directory = match policy.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        collect(directory, DEPTH, &mut files);
        files.sort();
        Self(files)
    }
}

fn collect(directory: &Path, depth: usize, files: &mut Vec<(PathBuf, u64, u64, i64, i64)>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                if let Some(depth) = depth.checked_sub(1) {
                    collect(&path, depth, files);
                }
            }
            Ok(found) => files.push(of_file(path, &found)),
            Err(_) => {}
        }
    }
}

fn of_file(path: PathBuf, found: &Metadata) -> (PathBuf, u64, u64, i64, i64) {
    (path, found.ino(), found.len(), found.mtime(), found.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_way_to_replace_a_file_shows() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let policy = path("portolan.yaml");
        let mut seen = vec![Signature::of(&policy)];
        let mut changes = |what: &str| {
            let now = Signature::of(&policy);
            assert!(!seen.contains(&now), "{what} shows");
            assert_eq!(now, Signature::of(&policy), "{what} shows once");
            seen.push(now);
        };
        fs::write(&policy, "one").unwrap();
        changes("a new file");
        fs::write(&policy, "another").unwrap();
        changes("a file that is written over");
        fs::write(path("other"), "another").unwrap();
        fs::rename(path("other"), &policy).unwrap();
        changes("a file that is renamed to it");
        fs::create_dir(path("networks")).unwrap();
        fs::write(path("networks/aws.yaml"), "networks: {}").unwrap();
        changes("a file beside it");
    }

    /// As the kubelet does it.
    #[test]
    fn a_configmap_that_is_replaced_shows() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(path(version)).unwrap();
            fs::write(path(version).join("portolan.yaml"), text).unwrap();
        }
        symlink("..1", path("..data")).unwrap();
        symlink("..data/portolan.yaml", path("portolan.yaml")).unwrap();
        let before = Signature::of(&path("portolan.yaml"));
        symlink("..2", path("..data_tmp")).unwrap();
        fs::rename(path("..data_tmp"), path("..data")).unwrap();
        assert_ne!(before, Signature::of(&path("portolan.yaml")));
    }
}
