//! `--watch`: the policy in force again whenever its files are others.
//!
//! Kubernetes replaces the files of a mounted `ConfigMap` by a symbolic link, `..data`, that leads
//! to a new directory; an editor renames, a copy writes in place. All of these show in what the
//! paths lead to, which is looked at every second. Files beside those of the policy are nobody's
//! business: a directory may have many.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use portolan_command::policy_file;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long nothing may change before they count as written.
const SHORT_PAUSE: Duration = Duration::from_millis(100);

/// The files of a policy, and in which state they were when somebody acted on them.
pub(crate) struct Watch {
    policy: PathBuf,
    files: Vec<PathBuf>,
    acted_on: Option<Signature>,
}

impl Watch {
    /// A watch that finds a change at once.
    pub(super) fn from_nothing(policy: &Path) -> Self {
        Self { policy: policy.to_owned(), files: policy_file::files_of(policy), acted_on: None }
    }

    /// A watch for whom the files are as they should be. Make it before the policy is read: a
    /// change in between is found then.
    pub(crate) fn from_now(policy: &Path) -> Self {
        let watch = Self::from_nothing(policy);
        Self { acted_on: Some(Signature::of(&watch.files)), ..watch }
    }

    /// Comes back when the files are others than at the last time.
    pub(super) fn wait_for_change(&mut self) {
        let mut seen = Signature::of(&self.files);
        while self.acted_on.as_ref() == Some(&seen) {
            sleep(PAUSE);
            seen = settled(&self.files);
        }
        // Another policy may name other files. Which state they are in is noted before anybody
        // reads them.
        self.files = policy_file::files_of(&self.policy);
        self.acted_on = Some(Signature::of(&self.files));
    }
}

/// What the files are when nobody writes to them any more.
fn settled(files: &[PathBuf]) -> Signature {
    let mut last = Signature::of(files);
    for _ in 0..10 {
        sleep(SHORT_PAUSE);
        let now = Signature::of(files);
        if now == last {
            break;
        }
        last = now;
    }
    last
}

/// What tells one state of some files from another: which they are, how large, and when they were
/// written.
#[derive(Debug, PartialEq, Eq)]
struct Signature(Vec<(PathBuf, Option<State>)>);

/// Inode, length, and the moment of the last change in seconds and nanoseconds; of a file that is
/// there.
type State = (u64, u64, i64, i64);

impl Signature {
    fn of(files: &[PathBuf]) -> Self {
        let state = |path: &PathBuf| {
            let found = fs::metadata(path).ok()?;
            Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
        };
        Self(files.iter().map(|path| (path.clone(), state(path))).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn every_way_to_replace_a_file_shows() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let policy = path("portolan.yaml");
        let now = || Signature::of(&policy_file::files_of(&policy));
        let mut before = now();
        let mut changes = |what: &str| {
            assert_ne!(before, now(), "{what} shows");
            assert_eq!(now(), now(), "{what} shows once");
            before = now();
        };
        fs::write(&policy, "one").unwrap();
        changes("a new file");
        fs::write(&policy, "another").unwrap();
        changes("a file that is written over");
        fs::write(path("other"), "network_files: [networks/aws.yaml]").unwrap();
        fs::rename(path("other"), &policy).unwrap();
        changes("a file that is renamed to it");
        fs::create_dir(path("networks")).unwrap();
        fs::write(path("networks/aws.yaml"), "networks: {}").unwrap();
        changes("a file that it names");
        fs::remove_file(&policy).unwrap();
        changes("a file that goes");
    }

    #[test]
    fn files_beside_those_of_the_policy_are_none_of_it() {
        let place = tempfile::tempdir().unwrap();
        let policy = place.path().join("portolan.yaml");
        fs::write(&policy, "one").unwrap();
        let now = || Signature::of(&policy_file::files_of(&policy));
        let before = now();
        fs::write(place.path().join("access.log"), "x").unwrap();
        assert_eq!(before, now());
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
        let policy = [path("portolan.yaml")];
        let before = Signature::of(&policy);
        symlink("..2", path("..data_tmp")).unwrap();
        fs::rename(path("..data_tmp"), path("..data")).unwrap();
        assert_ne!(before, Signature::of(&policy));
    }

    #[test]
    fn a_change_is_found_once_and_one_before_the_watch_never() {
        let place = tempfile::tempdir().unwrap();
        let policy = place.path().join("portolan.yaml");
        fs::write(&policy, "one").unwrap();
        let mut watch = Watch::from_now(&policy);
        let (found, changes) = mpsc::channel();
        thread::spawn(move || {
            while found.send(()).is_ok() {
                watch.wait_for_change();
            }
        });
        let within = |time| changes.recv_timeout(Duration::from_secs(time));
        within(10).unwrap();
        within(2).unwrap_err();
        fs::write(&policy, "another").unwrap();
        within(60).unwrap();
        within(2).unwrap_err();
        assert_eq!(Watch::from_nothing(&policy).acted_on, None, "the first look is a change");
    }
}
