//! The policy on the disk beside the one that is served.

use std::collections::BTreeSet;
use std::path::Path;

use portolan_command::policy_file;

use super::instance::ServerState;
use super::report::Instance;

/// What the file of `--policy` has at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PolicyFile {
    /// A policy, by its fingerprint.
    Good(String),
    /// What is refused, or cannot be read.
    Refused,
}

impl PolicyFile {
    /// Reads it.
    pub(super) fn read(path: &Path) -> Self {
        policy_file::load(path).map_or(Self::Refused, |policy| Self::Good(policy.fingerprint()))
    }
}

/// The policies that are served in the place of the file's; nothing if it is served somewhere, or
/// nobody says what is served.
pub(super) fn others<'i>(
    file: &PolicyFile,
    instances: &'i [Instance],
) -> Option<BTreeSet<&'i str>> {
    let PolicyFile::Good(fingerprint) = file else { return None };
    let ready = instances.iter().filter(|instance| instance.state == ServerState::Ready);
    let served: BTreeSet<&str> = ready.filter_map(|instance| instance.policy.as_deref()).collect();
    (!served.is_empty() && !served.contains(fingerprint.as_str())).then_some(served)
}
