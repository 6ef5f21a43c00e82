//! A policy that is changed while Envoy runs.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use portolan_command::output::say;

use crate::ready;
use crate::reload::{self, ApplyArgs, Watch};

/// How often it is asked whether Envoy serves yet.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked whether the file is still the one that has the name elsewhere.
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// Puts each changed policy in force, for as long as the process runs.
pub(super) fn follow(watch: Watch, apply: &ApplyArgs, admin: SocketAddr) {
    while !ready::is_live(admin) {
        sleep(PAUSE);
    }
    if let Err(error) = reload::follow(apply, watch, &mut io::stderr()) {
        say(format_args!("error: changes of the policy are not followed any more: {error}"));
    }
}

/// Says once when a file that is mounted alone was replaced where it comes from, which nobody sees
/// here.
pub(super) fn watch_for_replaced_mount(policy: &Path) {
    while !is_mounted_and_replaced(fs::metadata(policy).map(|found| found.nlink()).ok()) {
        sleep(LONG_PAUSE);
    }
    say(format_args!(
        "warning: {} was replaced where it is mounted from, and a file that is mounted alone stays the one that it was: \
         mount its directory, or start this container again",
        policy.display()
    ));
}

/// A file that a name leads to has at least one name; one without is held by a mount of its own
/// (`docker run -v FILE`, a `subPath` of Kubernetes), and its name belongs to another file by now.
fn is_mounted_and_replaced(names: Option<u64>) -> bool {
    names == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_without_a_name_is_replaced() {
        for (names, expected) in
            [(None, false), (Some(1), false), (Some(2), false), (Some(0), true)]
        {
            assert_eq!(is_mounted_and_replaced(names), expected, "{names:?}");
        }
    }
}
