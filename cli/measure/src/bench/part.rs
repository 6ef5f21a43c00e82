//! The parts of a pull that are timed.

use std::fmt;
use std::time::Instant;

use portolan_registry_client::fault::Fault;
use portolan_registry_client::registry::{Registry, Side, Visit};

use super::plan::Plan;

/// A part of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What the tag means: HEAD, then GET.
    Tag,
    /// The platform's manifest, by its digest.
    Manifest,
    /// Layers, one after the other.
    Blobs,
}

impl Part {
    /// In the order of a pull.
    pub(super) const ALL: [Self; 3] = [Self::Tag, Self::Manifest, Self::Blobs];

    /// What it is called in reports for programs.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Manifest => "manifest",
            Self::Blobs => "blobs",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Tag => "resolve by tag",
            Self::Manifest => "manifest by digest",
            Self::Blobs => "layers",
        })
    }
}

/// One part, done once at one side.
#[derive(Debug)]
pub(super) struct Run {
    /// Counted from 1.
    pub(super) round: u32,
    pub(super) part: Part,
    pub(super) side: Side,
    /// How many seconds it took, or why it failed.
    pub(super) outcome: Result<f64, Fault>,
}

/// Does a part once and says how many seconds it took.
///
/// Signing in and connecting to the registry come before and are not timed: they happen once in a
/// pull, however many layers it has, and `portolan compare-paths` measures them. Each run has a
/// connection of its own, so that none is timed on one that lay idle while the other side had its
/// turn. Connections to where the registry redirects do count.
///
/// # Errors
///
/// The registry does not answer, refuses, or answers with other content.
pub(super) fn run(registry: &mut Registry, plan: &Plan, part: Part) -> Result<f64, Fault> {
    let visit = registry.connected_client()?;
    let begun = Instant::now();
    pull(&visit, plan, part)?;
    Ok(begun.elapsed().as_secs_f64())
}

fn pull(visit: &Visit<'_>, plan: &Plan, part: Part) -> Result<(), Fault> {
    match part {
        Part::Tag => visit.resolve_tag().map(drop),
        Part::Manifest => visit.manifest(&plan.manifest).map(drop),
        Part::Blobs => plan.layers.iter().try_for_each(|layer| visit.blob(layer).map(drop)),
    }
}
