//! Which of several overlapping claims holds for an address.
//!
//! A later input beats an earlier one: a file of one's own networks mends a public database.
//! Within an input the narrowest claim holds, in whatever order the lines come; for networks
//! that is the longest prefix. Two claims of one input that are equally narrow and disagree
//! are an error, because any choice between them would depend on the order of the lines.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::location::Location;
use super::span::Span;

/// "These addresses are there", said by one line or record of one input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// The addresses.
    pub(super) span: Span,
    /// Where they are.
    pub(super) location: Location,
    /// Position of the input on the command line.
    pub(super) input: usize,
    /// Line of the input, counted from 1; 0 in a binary database.
    pub(super) line: u64,
}

/// A range of addresses that are all in one place. Segments do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The addresses.
    pub(super) span: Span,
    /// Where they are.
    pub(super) location: Location,
}

/// Two claims of one input, equally narrow, that put one address in two places.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// Position of the input on the command line.
    pub(super) input: usize,
    /// The lines, lower one first.
    pub(super) lines: [u64; 2],
}

/// Settles every overlap. The segments rise, and neighbours in one place are joined.
///
/// # Errors
///
/// The first [`Contradiction`], in the order of addresses.
pub(super) fn settle(claims: &[Claim]) -> Result<Vec<Segment>, Contradiction> {
    let edges = edges(claims);
    let mut covering = BTreeSet::new();
    let mut segments = Vec::new();
    let mut from = 0;
    for meeting in edges.chunk_by(|one, next| one.at == next.at) {
        let Some(at) = meeting.first().map(|edge| edge.at) else {
            continue;
        };
        if let Some(last) = at.checked_sub(1).filter(|last| from <= *last) {
            append(&mut segments, Span { first: from, last }, holder(&covering)?);
        }
        for edge in meeting {
            edge.apply(&mut covering);
        }
        from = at;
    }
    // What reaches to the last address has no closing edge.
    let rest = Span { first: from, last: u128::MAX };
    append(&mut segments, rest, holder(&covering)?);
    Ok(segments)
}

/// A claim in the order of precedence: the greatest of those that cover an address holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    input: usize,
    width: Reverse<u128>,
    /// Puts claims that agree side by side, so that the two ends of a run show whether all do.
    location: Location,
    line: u64,
    /// Only tells apart claims that are alike in everything else.
    index: usize,
}

/// Where a claim begins to cover addresses, or no longer does.
struct Edge {
    at: u128,
    rank: Rank,
    opens: bool,
}

impl Edge {
    fn apply(&self, covering: &mut BTreeSet<Rank>) {
        if self.opens {
            covering.insert(self.rank);
        } else {
            covering.remove(&self.rank);
        }
    }
}

fn edges(claims: &[Claim]) -> Vec<Edge> {
    let mut edges = Vec::with_capacity(claims.len().saturating_mul(2));
    for (index, claim) in claims.iter().enumerate() {
        let rank = Rank {
            input: claim.input,
            width: Reverse(claim.span.width()),
            location: claim.location,
            line: claim.line,
            index,
        };
        edges.push(Edge { at: claim.span.first, rank, opens: true });
        if let Some(at) = claim.span.last.checked_add(1) {
            edges.push(Edge { at, rank, opens: false });
        }
    }
    edges.sort_unstable_by_key(|edge| edge.at);
    edges
}

/// Where the covered addresses are, if any claim covers them.
fn holder(covering: &BTreeSet<Rank>) -> Result<Option<Location>, Contradiction> {
    let Some(top) = covering.last() else {
        return Ok(None);
    };
    let lowest_equal = Rank { location: Location::LOWEST, line: 0, index: 0, ..*top };
    match covering.range(lowest_equal..).next() {
        Some(equal) if equal.location != top.location => Err(Contradiction {
            input: top.input,
            lines: [equal.line.min(top.line), equal.line.max(top.line)],
        }),
        _ => Ok(Some(top.location)),
    }
}

/// Adds a range, or lets the last segment grow where the range goes on in the same place.
fn append(segments: &mut Vec<Segment>, span: Span, location: Option<Location>) {
    let Some(location) = location else { return };
    match segments.last_mut() {
        Some(before)
            if before.location == location
                && before.span.last.checked_add(1) == Some(span.first) =>
        {
            before.span.last = span.last;
        }
        _ => segments.push(Segment { span, location }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(input: usize, line: u64, first: u8, last: u8, country: &str) -> Claim {
        let location = Location::parse(country, "").unwrap().unwrap();
        let span = Span { first: first.into(), last: last.into() };
        Claim { span, location, input, line }
    }

    fn settled(claims: &[Claim]) -> String {
        let segments = settle(claims).expect("no contradiction").into_iter();
        let shown = segments
            .map(|Segment { span, location }| format!("{}-{} {location}", span.first, span.last));
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn precedence() {
        let wide = claim(0, 1, 0, 99, "US");
        let narrow = claim(0, 2, 10, 19, "DE");
        let office = claim(1, 1, 0, 49, "FR");
        let cases = [
            (vec![], "", "nothing said, nothing known"),
            (vec![wide, narrow], "0-9 US, 10-19 DE, 20-99 US", "the narrower claim holds"),
            (vec![narrow, wide], "0-9 US, 10-19 DE, 20-99 US", "whatever the order of lines"),
            (
                vec![wide, narrow, office],
                "0-49 FR, 50-99 US",
                "a later input beats even a narrower claim",
            ),
            (vec![wide, wide], "0-99 US", "the same said twice"),
            (
                vec![claim(0, 1, 0, 4, "US"), claim(0, 2, 5, 9, "US")],
                "0-9 US",
                "neighbours in one place are joined",
            ),
            (
                vec![claim(0, 1, 0, 4, "US"), claim(0, 2, 6, 9, "US")],
                "0-4 US, 6-9 US",
                "a gap is kept: nobody located it",
            ),
            (
                vec![claim(0, 1, 0, 9, "US"), claim(0, 2, 5, 12, "DE")],
                "0-4 US, 5-12 DE",
                "half overlapping ranges: the narrower holds where they meet",
            ),
        ];
        for (claims, expected, reason) in cases {
            assert_eq!(settled(&claims), expected, "{reason}");
        }
    }

    #[test]
    fn the_last_address_is_reached() {
        let location = Location::parse("US", "").unwrap().unwrap();
        let span = Span { first: 7, last: u128::MAX };
        let segments = settle(&[Claim { span, location, input: 0, line: 1 }]).unwrap();
        assert_eq!(segments, [Segment { span, location }]);
    }

    #[test]
    fn equally_narrow_claims_must_agree() {
        let cases = [
            (vec![claim(0, 3, 0, 9, "US"), claim(0, 7, 0, 9, "DE")], Some([3, 7])),
            (vec![claim(0, 7, 0, 9, "DE"), claim(0, 3, 5, 14, "US")], Some([3, 7])),
            // The odd one out is found wherever it stands among those that agree.
            (
                vec![claim(0, 1, 0, 9, "AU"), claim(0, 2, 0, 9, "US"), claim(0, 3, 0, 9, "US")],
                Some([1, 3]),
            ),
            // Two inputs may disagree: the later one is the mended one.
            (vec![claim(0, 1, 0, 9, "US"), claim(1, 1, 0, 9, "DE")], None),
            // Nobody asks the two that disagree: a narrower claim covers all they share.
            (
                vec![claim(0, 1, 0, 9, "US"), claim(0, 2, 5, 14, "DE"), claim(0, 3, 5, 9, "FR")],
                None,
            ),
        ];
        for (claims, lines) in cases {
            let found = settle(&claims).err().map(|contradiction| contradiction.lines);
            assert_eq!(found, lines, "{claims:?}");
        }
    }

    /// The naive twin: for one address, look at every claim.
    fn by_looking_at_all(claims: &[Claim], address: u128) -> Option<Location> {
        let covers = |claim: &&Claim| (claim.span.first..=claim.span.last).contains(&address);
        let best = |claim: &&Claim| (claim.input, Reverse(claim.span.width()));
        claims.iter().filter(covers).max_by_key(best).map(|claim| claim.location)
    }

    fn any_claim() -> impl Strategy<Value = Claim> {
        let country = prop_oneof![Just("US"), Just("DE"), Just("CN")];
        (0..3_usize, any::<[u8; 2]>(), country).prop_map(|(input, ends, country)| {
            claim(input, 1, ends[0].min(ends[1]), ends[0].max(ends[1]), country)
        })
    }

    proptest! {
        #[test]
        fn settles_like_a_look_at_every_claim(
            claims in prop::collection::vec(any_claim(), 0..12),
        ) {
            let Ok(segments) = settle(&claims) else { return Ok(()) };
            for address in 0..=256 {
                let holds = |segment: &&Segment| {
                    (segment.span.first..=segment.span.last).contains(&address)
                };
                let found: Vec<_> = segments.iter().filter(holds).collect();
                prop_assert!(found.len() <= 1, "segments overlap at {}", address);
                let found = found.first().map(|segment| segment.location);
                prop_assert_eq!(found, by_looking_at_all(&claims, address));
            }
        }

        /// Also whether it is refused does not depend on the order.
        #[test]
        fn the_order_of_claims_does_not_matter(
            claims in prop::collection::vec(any_claim(), 0..12),
        ) {
            let mut reversed = claims.clone();
            reversed.reverse();
            prop_assert_eq!(settle(&claims).ok(), settle(&reversed).ok());
        }
    }
}
