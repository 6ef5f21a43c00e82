//! `portolan cache purge`.

use std::io::{self, Write};
use std::time::Duration;

use portolan_command::output::{Exit, Results, fail};
use portolan_command::parallel;
use portolan_registry_client::fault::Fault;
use serde::Serialize;

use super::arguments::{PurgeArgs, Report, digests};
use super::kind::Kind;
use super::node::Node;

/// How many nodes are asked at once.
const AT_ONCE: usize = 16;

/// Has every node forget the digests.
///
/// # Errors
///
/// `out` cannot be written, or the standard input not be read.
pub(super) fn run(arguments: &PurgeArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let digests = match digests(&arguments.digests, io::stdin().lock())? {
        Ok(digests) => digests,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let places = match arguments.asked.places() {
        Ok(places) => places,
        Err(exit) => return Ok(exit),
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let purged = parallel::each(&places, AT_ONCE, |place| {
        let node = Node::new(place.clone(), timeout);
        digests.iter().map(|digest| forget(&node, digest)).collect::<Vec<_>>()
    });
    let report = Purge::of(purged.into_iter().flatten().collect());
    arguments.asked.say(&report, out)
}

/// Content is purged as a blob and as a manifest: a node keeps both apart.
fn forget(node: &Node, digest: &str) -> Purged {
    let had = |kind| Ok(node.purge(kind, digest)?.then_some(kind));
    let (kinds, error) = match Kind::ALL.into_iter().map(had).collect::<Result<Vec<_>, Fault>>() {
        Ok(kinds) => (kinds.into_iter().flatten().map(Kind::as_str).collect(), None),
        Err(fault) => (Vec::new(), Some(fault.to_string())),
    };
    Purged { node: node.place.name.clone(), digest: digest.to_owned(), kinds, error }
}

/// What became of one digest at one node. The names of the fields are those of the JSON, and stay.
#[derive(Clone, Debug, Serialize)]
struct Purged {
    node: String,
    digest: String,
    /// As what the node had it: `blob`, `manifest`, both or neither.
    #[serde(rename = "purged")]
    kinds: Vec<&'static str>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Purge {
    kind: &'static str,
    version: u32,
    /// Each digest at each node.
    contents: Vec<Purged>,
}

impl Purge {
    const fn of(contents: Vec<Purged>) -> Self {
        Self { kind: "portolan.cache.purge", version: 1, contents }
    }
}

impl Report for Purge {
    fn describe(&self) -> String {
        self.contents.iter().map(line).collect()
    }

    fn is_good(&self) -> bool {
        self.contents.iter().all(|one| one.error.is_none())
    }
}

fn line(one: &Purged) -> String {
    let what = match (&one.error, one.kinds.as_slice()) {
        (Some(error), _) => format!("not purged: {error}"),
        (None, []) => "was not there".to_owned(),
        (None, kinds) => format!("purged ({})", kinds.join(", ")),
    };
    format!("{}  {}  {what}\n", one.node, one.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_text() {
        let one = |kinds, error: Option<&str>| Purged {
            node: "eu-1".to_owned(),
            digest: "sha256:00".to_owned(),
            kinds,
            error: error.map(str::to_owned),
        };
        let good = vec![one(vec!["blob", "manifest"], None), one(Vec::new(), None)];
        let expected = "eu-1  sha256:00  purged (blob, manifest)\neu-1  sha256:00  was not there\n";
        let report = Purge::of(good);
        assert_eq!((report.describe().as_str(), report.is_good()), (expected, true));
        let report = Purge::of(vec![one(Vec::new(), Some("http://n: it answered 403"))]);
        let expected = "eu-1  sha256:00  not purged: http://n: it answered 403\n";
        assert_eq!((report.describe().as_str(), report.is_good()), (expected, false));
    }
}
