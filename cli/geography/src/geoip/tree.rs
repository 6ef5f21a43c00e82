//! The search tree of a `MaxMind` DB, looked at node by node
//! (<https://maxmind.github.io/MaxMind-DB/>, "Binary Search Tree Section").
//!
//! Envoy opens a file whose middle is damaged: it looks at the metadata at the end, and counts a
//! lookup that goes astray as an address that nobody knows. Here every node is visited.

use maxminddb::Metadata;

use super::node::read;

/// The bytes between the tree and the data.
const SEPARATOR: usize = 16;
/// An address has no more bits.
const DEEPEST: usize = 128;
/// The IPv4 tree may hang below a node more than once: at `::ffff:0:0/96`, `64:ff9b::/96`,
/// `2002::/16` and the like. A tree that is damaged can hang together so that it names more
/// networks than anybody can walk.
const MOST_ALIASES: u64 = 16;

/// Why a tree is none, for the person who has the file.
///
/// # Errors
///
/// The first thing that no sound tree has.
pub(super) fn check(bytes: &[u8], metadata: &Metadata) -> Result<(), String> {
    let tree = Tree::of(bytes, metadata)?;
    let reached = tree.walk()?;
    let lost = tree.nodes.saturating_sub(reached.nodes);
    if lost > 0 {
        return Err(format!(
            "no address leads to {lost} of the {} nodes of its search tree",
            tree.nodes
        ));
    }
    let nodes = u64::try_from(tree.nodes).unwrap_or(u64::MAX);
    if reached.networks > nodes.saturating_add(1).saturating_mul(MOST_ALIASES) {
        return Err("the branches of its search tree run together".to_owned());
    }
    Ok(())
}

/// The tree as bytes.
struct Tree<'b> {
    bytes: &'b [u8],
    /// How many nodes it has.
    nodes: usize,
    /// How many bytes a node has: two records of 24, 28 or 32 bits.
    node_bytes: usize,
    /// How many bytes of data follow.
    data: usize,
}

/// What a walk found.
struct Reached {
    nodes: usize,
    networks: u64,
}

/// How far the walk has come with a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    /// How many networks are below it.
    Done(u32),
}

/// Where a record leads.
enum Next {
    Node(usize),
    /// To data, or to nothing.
    Leaf,
}

impl<'b> Tree<'b> {
    fn of(bytes: &'b [u8], metadata: &Metadata) -> Result<Self, String> {
        let nodes = usize::try_from(metadata.node_count).unwrap_or(usize::MAX);
        let node_bytes = match metadata.record_size {
            24 => 6,
            28 => 7,
            32 => 8,
            other => return Err(format!("its records have {other} bits")),
        };
        let size = nodes.saturating_mul(node_bytes);
        let data = bytes.len().checked_sub(size.saturating_add(SEPARATOR));
        match data {
            Some(data) if nodes > 0 => Ok(Self { bytes, nodes, node_bytes, data }),
            _ => Err(format!("it ends inside of its search tree of {nodes} nodes")),
        }
    }

    /// Visits every node once, children before their parent.
    fn walk(&self) -> Result<Reached, String> {
        let mut states = vec![State::New; self.nodes];
        let mut path = vec![0_usize];
        let mut reached = 0_usize;
        while let Some(&node) = path.last() {
            let mut networks = 0_u32;
            let mut deeper = None;
            for side in [false, true] {
                match self.next(node, side)? {
                    Next::Leaf => networks = networks.saturating_add(1),
                    Next::Node(child) => match states.get(child).copied().unwrap_or(State::New) {
                        State::Done(below) => networks = networks.saturating_add(below),
                        State::New if child != node => deeper = Some(child),
                        // A node is open as long as the walk is below it.
                        State::Open | State::New => {
                            return Err(format!(
                                "node {node} of its search tree leads back to node {child}"
                            ));
                        }
                    },
                }
            }
            match deeper {
                Some(child) if path.len() < DEEPEST => path.push(child),
                Some(_) => {
                    return Err("its search tree is deeper than an address has bits".to_owned());
                }
                None => {
                    path.pop();
                    reached = reached.saturating_add(1);
                }
            }
            if let Some(state) = states.get_mut(node) {
                *state = if deeper.is_some() { State::Open } else { State::Done(networks) };
            }
        }
        let networks = match states.first() {
            Some(State::Done(networks)) => u64::from(*networks),
            _ => 0,
        };
        Ok(Reached { nodes: reached, networks })
    }

    /// Where one of the two records of a node leads.
    fn next(&self, node: usize, side: bool) -> Result<Next, String> {
        let value = read(self.bytes, self.node_bytes, (node, side)).unwrap_or(usize::MAX);
        if value < self.nodes {
            return Ok(Next::Node(value));
        }
        let data = value.saturating_sub(self.nodes);
        let is_sound =
            data == 0 || (SEPARATOR..SEPARATOR.saturating_add(self.data)).contains(&data);
        if is_sound {
            Ok(Next::Leaf)
        } else {
            Err(format!("node {node} of its search tree leads out of the file"))
        }
    }
}

#[cfg(test)]
mod tests {
    use maxminddb::Reader;

    use super::*;
    use crate::geoip::encode::encode;
    use crate::geoip::location::Location;
    use crate::geoip::merge::Segment;
    use crate::geoip::span::Span;
    use portolan_command::date::BuildDate;

    /// A database of 4,000 networks.
    fn database() -> Vec<u8> {
        let segment = |index: u128| {
            let country = if index.is_multiple_of(2) { "DE" } else { "US" };
            let first = index.saturating_mul(512).saturating_add(0x0a00_0000);
            let location = Location::parse(country, "").unwrap().unwrap();
            Segment { span: Span { first, last: first.saturating_add(255) }, location }
        };
        let segments: Vec<Segment> = (0..4000).map(segment).collect();
        encode(&segments, "for a test", BuildDate::of(951_782_400)).unwrap()
    }

    fn checked(bytes: &[u8]) -> Result<(), String> {
        let metadata = Reader::from_source(bytes).unwrap();
        check(bytes, metadata.metadata())
    }

    #[test]
    fn a_sound_tree_is_one() {
        assert_eq!(checked(&database()), Ok(()));
    }

    /// A page of zeros, as a disk or a copy leaves it, wherever in the tree it is.
    #[test]
    fn zeroed_pages_are_found() {
        let sound = database();
        let tree = Reader::from_source(&sound).unwrap();
        let size = usize::try_from(tree.metadata().node_count).unwrap() * 6;
        let pages = size / 4096;
        assert!(pages > 10, "{size}");
        for page in 0..pages {
            let mut damaged = sound.clone();
            damaged[page * 4096..(page + 1) * 4096].fill(0);
            let found = checked(&damaged).unwrap_err();
            assert!(found.contains("leads back to node 0"), "page {page}: {found}");
        }
    }

    #[test]
    fn prefixes_that_no_tree_has() {
        let sound = database();
        let with = |at: usize, bytes: [u8; 3]| {
            let mut damaged = sound.clone();
            damaged[at..at + 3].copy_from_slice(&bytes);
            checked(&damaged).unwrap_err()
        };
        assert!(with(60, [0xff, 0xff, 0xff]).contains("leads out of the file"));
        assert!(with(0, [0, 0, 0]).contains("leads back to node 0"), "the root itself");
        let nodes = Reader::from_source(&sound).unwrap().metadata().node_count;
        let [_, a, b, c] = nodes.to_be_bytes();
        assert!(with(0, [a, b, c]).contains("no address leads to"), "a branch that was cut off");
    }
}
