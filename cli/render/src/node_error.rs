//! Errors in the nodes of caches that are rendered.

use std::fmt;

/// Why there are no files or objects for nodes.
#[derive(Debug, PartialEq, Eq)]
pub enum NodeError {
    /// The nodes of a policy without caches.
    NoNodes,
    /// A name that no node has.
    NoSuchNode {
        /// What was written.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A node that is none of the objects that `--target kubernetes` makes.
    Elsewhere {
        /// The cache.
        cache: String,
        /// The node's place among its nodes.
        index: usize,
        /// The URL that it has to have.
        wanted: String,
    },
    /// A second cache, for `--target kubernetes`.
    OneCache(String),
    /// `--fill-url` has a scheme that the cache does not go with.
    SchemeOfFill {
        /// Whether the cache has TLS.
        has_tls: bool,
    },
    /// Nodes cannot ask at the address that is for all of a machine's.
    UnspecifiedFill,
}

impl fmt::Display for NodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNodes => formatter.write_str("the policy has no `caches`, so there are no nodes to write files for"),
            Self::NoSuchNode { name, known } => write!(
                formatter,
                "the policy has no node `{name}`; its nodes are `{}`",
                known.join("`, `")
            ),
            Self::Elsewhere { cache, index, wanted } => write!(
                formatter,
                "caches.{cache}.nodes[{index}]: is no node of the objects that are made; write `{wanted}`, or render for \
                 another target and run nodes yourself"
            ),
            Self::OneCache(cache) => write!(
                formatter,
                "caches.{cache}: the objects have the nodes of one cache; write one, or render for another target and run \
                 nodes yourself"
            ),
            Self::SchemeOfFill { has_tls: true } => formatter.write_str(
                "--fill-url: is `http`, and the cache has `tls`, with which its nodes ask over TLS; write `https`",
            ),
            Self::SchemeOfFill { has_tls: false } => formatter.write_str(
                "--fill-url: is `https`, and the cache has no `tls`, which says what its nodes and the listener show each \
                 other; write `http`, or `tls` in the policy",
            ),
            Self::UnspecifiedFill => formatter.write_str(
                "no node can ask at the address of `--cache-fill`, which stands for all addresses of a machine: write \
                 the one by which the nodes reach it there, or its URL in `--fill-url`",
            ),
        }
    }
}
