//! The summary of a build, for the person who ran it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use portolan_command::date::BuildDate;

use super::merge::Segment;

/// What a build read and wrote. Prints as one line for each input and one for the output.
#[derive(Debug)]
pub struct Summary {
    /// The inputs, in the order of the command line.
    pub(super) inputs: Vec<InputSummary>,
    /// The database.
    pub(super) output: PathBuf,
    /// Its size in bytes.
    pub(super) bytes: usize,
    /// How many ranges of addresses it locates, neighbours in one place joined.
    pub(super) ranges: usize,
    /// How many countries it knows.
    pub(super) countries: usize,
    /// The day of its data.
    pub(super) date: BuildDate,
}

/// What one input gave.
#[derive(Debug)]
pub(super) struct InputSummary {
    /// The file.
    pub(super) path: PathBuf,
    /// How many networks and ranges it locates.
    pub(super) located: usize,
    /// How many it names without knowing where they are.
    pub(super) unlocated: usize,
    /// Of how many records the subdivision has a name and no code.
    pub(super) nameless: usize,
}

/// How many different countries the segments are in.
pub(super) fn countries(segments: &[Segment]) -> usize {
    let codes = segments.iter().map(|segment| segment.location.country());
    codes.collect::<BTreeSet<_>>().len()
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for input in &self.inputs {
            let InputSummary { path, located, unlocated, nameless } = input;
            let path = path.display();
            writeln!(out, "{path}: {located} located, {unlocated} unlocated")?;
            if *nameless > 0 {
                writeln!(
                    out,
                    "{path}: {nameless} records name a subdivision without its code (ISO 3166-2): \
                     only their countries are kept, and `subdivisions` of a policy find nobody there"
                )?;
            }
        }
        write!(
            out,
            "{}: {} ranges in {} countries, {} bytes, data of {}",
            self.output.display(),
            self.ranges,
            self.countries,
            self.bytes,
            self.date
        )
    }
}
