//! Nested prefixes of one address family, flattened into sorted ranges.

use crate::config::ids::{LabelId, RegionId};
use std::collections::BTreeMap;

/// An address as a number: `u32` for IPv4, `u128` for IPv6.
pub(super) trait Bits: Copy + Ord {
    /// The next address; `None` behind the last one of the family.
    fn next(self) -> Option<Self>;
}

impl Bits for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Bits for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// One prefix and what the policy says about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix<A> {
    /// The lowest address.
    pub(super) first: A,
    /// The highest address, included.
    pub(super) last: A,
    /// The number of leading bits that its addresses share.
    pub(super) length: u8,
    pub(super) region: Option<RegionId>,
    pub(super) label: Option<LabelId>,
}

/// What holds for every address of a range, inherited fields included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdict {
    /// The region, and the length of the prefix that gave it.
    pub(super) region: Option<(RegionId, u8)>,
    pub(super) label: Option<LabelId>,
}

/// Sorted ranges: range `i` begins at `starts[i]` and ends before `starts[i + 1]`.
///
/// Beginnings and verdicts are separate arrays, so that a search touches only beginnings.
#[derive(Clone, Debug)]
pub(super) struct Ranges<A> {
    starts: Box<[A]>,
    /// For each range an index into `answers`.
    chosen: Box<[u32]>,
    /// Every different answer once; `None` between prefixes.
    answers: Box<[Option<Verdict>]>,
}

impl<A> Default for Ranges<A> {
    fn default() -> Self {
        Self { starts: Box::default(), chosen: Box::default(), answers: Box::default() }
    }
}

impl<A: Bits> Ranges<A> {
    /// Whether there is no range.
    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Flattens prefixes, in any order.
    pub(super) fn new(mut prefixes: Vec<Prefix<A>>) -> Self {
        // A prefix comes before those inside it. The sort is stable: of equals the first stays
        // first.
        prefixes.sort_by_key(|prefix| (prefix.first, prefix.length));
        prefixes.dedup_by(|later, first| merge(first, later));
        let mut sweep = Sweep::default();
        for prefix in &prefixes {
            sweep.close_before(prefix.first);
            sweep.open(prefix);
        }
        sweep.close_all();
        Self::intern(&sweep.ranges)
    }

    /// What holds for the address; `None` outside every prefix.
    pub(super) fn find(&self, address: A) -> Option<Verdict> {
        let behind = self.starts.partition_point(|&start| start <= address);
        let range = behind.checked_sub(1)?;
        let answer = usize::try_from(*self.chosen.get(range)?).ok()?;
        *self.answers.get(answer)?
    }

    fn intern(ranges: &[(A, Option<Verdict>)]) -> Self {
        let mut answers = Vec::new();
        let mut known = BTreeMap::new();
        let mut chosen = Vec::with_capacity(ranges.len());
        for &(_, verdict) in ranges {
            // There are fewer answers than ranges, and fewer ranges than a u32 counts: a table
            // of 2^32 ranges would be larger than the memory of the filter.
            let next = u32::try_from(answers.len()).unwrap_or(u32::MAX);
            chosen.push(*known.entry(verdict).or_insert_with(|| {
                answers.push(verdict);
                next
            }));
        }
        Self {
            starts: ranges.iter().map(|&(start, _)| start).collect(),
            chosen: chosen.into(),
            answers: answers.into(),
        }
    }
}

/// Adds the later of two equal prefixes to the first; `false` if they are not equal.
fn merge<A: Ord>(first: &mut Prefix<A>, later: &Prefix<A>) -> bool {
    let same = first.first == later.first && first.length == later.length;
    if same {
        first.region = first.region.or(later.region);
        first.label = first.label.or(later.label);
    }
    same
}

/// A walk over the address space from the lowest address to the highest.
struct Sweep<A> {
    /// The prefixes around the current address, outermost first: last address and verdict.
    open: Vec<(A, Verdict)>,
    /// The beginnings so far, each with what holds from there on.
    ranges: Vec<(A, Option<Verdict>)>,
}

impl<A> Default for Sweep<A> {
    fn default() -> Self {
        Self { open: Vec::new(), ranges: Vec::new() }
    }
}

impl<A: Bits> Sweep<A> {
    fn innermost(&self) -> Option<Verdict> {
        self.open.last().map(|&(_, verdict)| verdict)
    }

    fn open(&mut self, prefix: &Prefix<A>) {
        let around = self.innermost();
        let verdict = Verdict {
            region: (prefix.region.map(|region| (region, prefix.length)))
                .or_else(|| around?.region),
            label: prefix.label.or_else(|| around?.label),
        };
        self.open.push((prefix.last, verdict));
        self.begin(prefix.first);
    }

    fn close_before(&mut self, address: A) {
        while let Some((last, _)) = self.open.pop_if(|(last, _)| *last < address) {
            self.begin_behind(last);
        }
    }

    fn close_all(&mut self) {
        while let Some((last, _)) = self.open.pop() {
            self.begin_behind(last);
        }
    }

    fn begin_behind(&mut self, last: A) {
        if let Some(start) = last.next() {
            self.begin(start);
        }
    }

    /// From `start` on, what the innermost open prefix says holds.
    fn begin(&mut self, start: A) {
        let verdict = self.innermost();
        // Two prefixes that end or begin together leave an empty range between them.
        self.ranges.pop_if(|(begun, _)| *begun == start);
        let before = self.ranges.last().and_then(|&(_, verdict)| verdict);
        if before != verdict {
            self.ranges.push((start, verdict));
        }
    }
}

#[cfg(test)]
impl<A> Ranges<A> {
    /// The size of the table, for the tests that hold it small.
    pub(super) fn range_and_answer_counts(&self) -> (usize, usize) {
        (self.starts.len(), self.answers.len())
    }
}
