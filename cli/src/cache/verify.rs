//! `portolan cache verify`.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portolan_command::output::{Exit, Results, fail};
use portolan_command::parallel;
use portolan_command::progress::Progress;
use portolan_command::quantity::{counted, size};
use portolan_registry_client::fault::Fault;
use serde::Serialize;

use super::arguments::{Report, VerifyArgs, digests};
use super::kind::Kind;
use super::node::{Held, Node};
use super::nodes::Place;

/// Reads and hashes what nodes hold, one node after the other: this is to leave their disks to
/// clients.
///
/// # Errors
///
/// `out` cannot be written, or the standard input not be read.
pub(super) fn run(arguments: &VerifyArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let digests = match digests(&arguments.digests, io::stdin().lock())? {
        Ok(digests) => digests,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let places = match arguments.asked.places() {
        Ok(places) => places,
        Err(exit) => return Ok(exit),
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let progress = Mutex::new(Progress::on_terminal());
    let tell = |line: String| progress.lock().unwrap_or_else(PoisonError::into_inner).say(line);
    let look = |place: &Place| {
        let node = Node::new(place.clone(), timeout);
        tell(format!("{}: asking what it holds …", node.place.name));
        let contents = contents(&node, &digests);
        of_node(&node, contents, (arguments.parallel.into(), digests.is_empty()), &tell)
    };
    let report = Verify::of(places.iter().map(look).collect());
    drop(progress);
    arguments.asked.say(&report, out)
}

/// What is looked at: the digests, as blobs and as manifests; or all that the node holds.
fn contents(node: &Node, digests: &[String]) -> Result<Vec<(Kind, String)>, Fault> {
    if digests.is_empty() {
        return node.list();
    }
    let both = |digest: &String| Kind::ALL.map(|kind| (kind, digest.clone()));
    Ok(digests.iter().flat_map(both).collect())
}

fn of_node(
    node: &Node,
    contents: Result<Vec<(Kind, String)>, Fault>,
    (at_once, is_listed): (usize, bool),
    tell: &(impl Fn(String) + Sync),
) -> Verified {
    let mut report = Verified::new(node.place.name.clone());
    let contents = match contents {
        Ok(contents) => contents,
        Err(fault) => {
            report.error = Some(fault.to_string());
            return report;
        }
    };
    tell(format!("{}: reading {} …", node.place.name, counted(length(&contents), "content")));
    let found =
        parallel::each(&contents, at_once, |(kind, digest)| of_content(node, *kind, digest));
    for ((kind, digest), found) in contents.iter().zip(found) {
        report.add(*kind, digest, found);
    }
    if !is_listed {
        // Digests that somebody has written are asked for as both kinds.
        report.gone.clear();
    }
    report
}

/// What is wrong is purged: the next client has it fetched anew.
fn of_content(node: &Node, kind: Kind, digest: &str) -> Result<Held, Fault> {
    let held = node.verify(kind, digest)?;
    if matches!(held, Held::Wrong(_)) {
        node.purge(kind, digest)?;
    }
    Ok(held)
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// What one node holds. The names of the fields are those of the JSON, and stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Verified {
    node: String,
    /// How many contents are what their digests name, and their bytes.
    right: u64,
    bytes: u64,
    /// What was wrong, and was purged.
    wrong: Vec<Wrong>,
    /// What the node had listed and does not hold: it found it damaged when it read it, or other
    /// content has taken its place.
    gone: Vec<Gone>,
    /// Why not all was looked at.
    error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Wrong {
    kind: &'static str,
    digest: String,
    why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Gone {
    kind: &'static str,
    digest: String,
}

impl Verified {
    const fn new(node: String) -> Self {
        Self { node, right: 0, bytes: 0, wrong: Vec::new(), gone: Vec::new(), error: None }
    }

    fn add(&mut self, kind: Kind, digest: &str, found: Result<Held, Fault>) {
        match found {
            Ok(Held::Right(bytes)) => {
                self.right = self.right.saturating_add(1);
                self.bytes = self.bytes.saturating_add(bytes);
            }
            Ok(Held::Wrong(why)) => {
                self.wrong.push(Wrong { kind: kind.as_str(), digest: digest.to_owned(), why });
            }
            Ok(Held::Not) => {
                self.gone.push(Gone { kind: kind.as_str(), digest: digest.to_owned() });
            }
            Err(fault) => self.error = Some(fault.to_string()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Verify {
    kind: &'static str,
    version: u32,
    nodes: Vec<Verified>,
}

impl Verify {
    const fn of(nodes: Vec<Verified>) -> Self {
        Self { kind: "portolan.cache.verify", version: 1, nodes }
    }
}

impl Report for Verify {
    fn describe(&self) -> String {
        self.nodes.iter().map(lines).collect()
    }

    fn is_good(&self) -> bool {
        self.nodes.iter().all(|node| node.wrong.is_empty() && node.error.is_none())
    }
}

fn lines(node: &Verified) -> String {
    let right = format!("right: {}, {}", counted(node.right, "content"), size(node.bytes));
    let wrong = node
        .wrong
        .iter()
        .map(|Wrong { kind, digest, why }| format!("purged: {kind} {digest}: {why}"));
    let gone = node.gone.iter().map(|Gone { kind, digest }| {
        format!("gone: {kind} {digest}: damaged, as the node found itself, or replaced meanwhile")
    });
    let error = node.error.iter().map(|error| format!("not all was looked at: {error}"));
    let all = [right].into_iter().chain(wrong).chain(gone).chain(error);
    all.map(|line| format!("{}  {line}\n", node.node)).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_text() {
        let mut node = Verified::new("eu-1".to_owned());
        node.add(Kind::Blob, "sha256:00", Ok(Held::Right(1500)));
        node.add(Kind::Manifest, "sha256:00", Ok(Held::Not));
        let report = Verify::of(vec![node.clone()]);
        let expected = "\
eu-1  right: 1 content, 1.50 kB
eu-1  gone: manifest sha256:00: damaged, as the node found itself, or replaced meanwhile
";
        assert_eq!(report.describe(), expected);
        assert!(report.is_good());
        node.add(Kind::Blob, "sha256:11", Ok(Held::Wrong("the content is damaged".to_owned())));
        node.add(Kind::Blob, "sha256:22", Err(Fault::new("http://n: it answered 500")));
        let report = Verify::of(vec![node]);
        let expected = "\
eu-1  right: 1 content, 1.50 kB
eu-1  purged: blob sha256:11: the content is damaged
eu-1  gone: manifest sha256:00: damaged, as the node found itself, or replaced meanwhile
eu-1  not all was looked at: http://n: it answered 500
";
        assert_eq!(report.describe(), expected);
        assert!(!report.is_good());
    }
}
