//! Where two databases differ, and for how many addresses.

use std::collections::BTreeMap;

use super::location::Location;
use super::merge::Segment;
use super::public_space::{share, within};
use super::span::Span;

/// What changes from one database to another, by the number of addresses.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The share of the public IPv4 addresses whose place changes, from 0 to 1; of those that had
    /// one.
    pub(super) ipv4: f64,
    /// The same for IPv6.
    pub(super) ipv6: f64,
    /// From where to where most IPv4 addresses move, and what share of them all; the largest first.
    pub(super) moves: Vec<(String, String, f64)>,
}

/// Compares by what `name` calls a place: a country, or a policy's region.
pub(super) fn compare(
    old: &[Segment],
    new: &[Segment],
    name: impl Fn(Option<Location>) -> String,
) -> Change {
    let (mut ipv4, mut ipv6) = (Count::default(), Count::default());
    let mut pairs: BTreeMap<(Option<Location>, Option<Location>), u128> = BTreeMap::new();
    let mut names: BTreeMap<Option<Location>, String> = BTreeMap::new();
    let mut called = |place| names.entry(place).or_insert_with(|| name(place)).clone();
    for (span, before, after) in pieces(old, new) {
        // Whom nobody knew, nobody was sent to the wrong place by.
        if before.is_none() {
            continue;
        }
        let public = within(span);
        let has_moved = before != after && called(before) != called(after);
        ipv4.add(public, has_moved);
        ipv6.add(beyond_ipv4(span), has_moved);
        if has_moved {
            let entry = pairs.entry((before, after)).or_default();
            *entry = entry.saturating_add(public);
        }
    }
    let mut summed: BTreeMap<(String, String), u128> = BTreeMap::new();
    for ((before, after), count) in pairs {
        let entry = summed.entry((called(before), called(after))).or_default();
        *entry = entry.saturating_add(count);
    }
    let mut moves: Vec<_> = summed.into_iter().filter(|(_, count)| *count > 0).collect();
    moves.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Change {
        ipv4: share(ipv4.moved, ipv4.all),
        ipv6: share(ipv6.moved, ipv6.all),
        moves: moves
            .into_iter()
            .map(|((from, to), count)| (from, to, share(count, ipv4.all)))
            .collect(),
    }
}

/// Addresses of one family.
#[derive(Default)]
struct Count {
    all: u128,
    moved: u128,
}

impl Count {
    fn add(&mut self, count: u128, has_moved: bool) {
        self.all = self.all.saturating_add(count);
        self.moved = self.moved.saturating_add(if has_moved { count } else { 0 });
    }
}

fn beyond_ipv4(span: Span) -> u128 {
    let first = span.first.max(1 << 32);
    span.last.checked_sub(first).map_or(0, |width| width.saturating_add(1))
}

/// The ranges that either list has, cut so that each has one place in each of them.
pub(super) fn pieces<'s>(
    old: &'s [Segment],
    new: &'s [Segment],
) -> impl Iterator<Item = (Span, Option<Location>, Option<Location>)> + 's {
    let (mut old, mut new) = (Cursor::over(old), Cursor::over(new));
    std::iter::from_fn(move || {
        if old.rest.is_empty() && new.rest.is_empty() {
            return None;
        }
        let first = old.first().min(new.first());
        let last = old.until(first).min(new.until(first));
        let piece = (Span { first, last }, old.at(first), new.at(first));
        old.pass(last);
        new.pass(last);
        Some(piece)
    })
}

/// A place in a list of segments that rise.
struct Cursor<'s> {
    rest: &'s [Segment],
    /// Everything below has been passed.
    from: u128,
}

impl<'s> Cursor<'s> {
    const fn over(rest: &'s [Segment]) -> Self {
        Self { rest, from: 0 }
    }

    /// The next position that is located; the last of all if there is none.
    fn first(&self) -> u128 {
        self.rest.first().map_or(u128::MAX, |segment| segment.span.first.max(self.from))
    }

    /// Up to where nothing changes from `position` on.
    fn until(&self, position: u128) -> u128 {
        match self.rest.first() {
            None => u128::MAX,
            Some(segment) if segment.span.first > position => segment.span.first.saturating_sub(1),
            Some(segment) => segment.span.last,
        }
    }

    fn at(&self, position: u128) -> Option<Location> {
        let segment = self.rest.first()?;
        (segment.span.first <= position).then_some(segment.location)
    }

    fn pass(&mut self, last: u128) {
        self.from = last.saturating_add(1);
        if self.rest.first().is_some_and(|segment| segment.span.last <= last) {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn location(country: &str) -> Location {
        Location::parse(country, "").unwrap().unwrap()
    }

    fn segments(rows: &[(u128, u128, &str)]) -> Vec<Segment> {
        let segment = |&(first, last, country): &(u128, u128, &str)| Segment {
            span: Span { first, last },
            location: location(country),
        };
        rows.iter().map(segment).collect()
    }

    fn country(place: Option<Location>) -> String {
        place.map_or_else(|| "nowhere".to_owned(), |place| place.country().to_owned())
    }

    #[test]
    fn shares_and_moves() {
        const EIGHT: u128 = 0x0800_0000;
        let old = segments(&[
            (EIGHT, EIGHT + 99, "US"),
            (EIGHT + 100, EIGHT + 199, "DE"),
            (1 << 40, (1 << 40) + 9, "FR"),
        ]);
        let new = segments(&[
            (EIGHT, EIGHT + 149, "US"),
            (EIGHT + 150, EIGHT + 189, "DE"),
            (1 << 40, (1 << 40) + 4, "FR"),
        ]);
        let change = compare(&old, &new, country);
        assert!((change.ipv4 - 0.30).abs() < 1e-9, "{change:?}");
        assert!((change.ipv6 - 0.5).abs() < 1e-9, "{change:?}");
        let moves: Vec<_> =
            change.moves.iter().map(|(from, to, _)| format!("{from} to {to}")).collect();
        assert_eq!(moves, ["DE to US", "DE to nowhere"]);
        let one = compare(&old, &new, |_| "everywhere".to_owned());
        assert!(
            one.ipv4 == 0.0 && one.moves.is_empty(),
            "what has one name does not move: {one:?}"
        );
        assert!(compare(&old, &old, country).ipv4 == 0.0);
        assert!(compare(&[], &[], country).ipv6 == 0.0);
        assert!(compare(&[], &new, country).ipv4 == 0.0, "nobody had a place before");
        assert!((compare(&new, &[], country).ipv4 - 1.0).abs() < 1e-9);
    }

    fn any_segments() -> impl Strategy<Value = Vec<Segment>> {
        let step = (0..6_u128, 0..6_u128, prop::sample::select(vec!["US", "DE", "CN"]));
        prop::collection::vec(step, 0..8).prop_map(|steps| {
            let mut at = 0_u128;
            let mut rows = Vec::new();
            for (gap, width, country) in steps {
                let first = at.saturating_add(gap);
                let last = first.saturating_add(width);
                rows.push((first, last, country));
                at = last.saturating_add(1);
            }
            segments(&rows)
        })
    }

    fn place(segments: &[Segment], position: u128) -> Option<Location> {
        let holds =
            |segment: &&Segment| (segment.span.first..=segment.span.last).contains(&position);
        segments.iter().find(holds).map(|segment| segment.location)
    }

    proptest! {
        /// The pieces say of each position what a look at both lists says, in order and without a
        /// gap where either has any.
        #[test]
        fn pieces_say_what_the_lists_say(old in any_segments(), new in any_segments()) {
            let pieces: Vec<_> = pieces(&old, &new).collect();
            for position in 0..100 {
                let around: Vec<_> =
                    pieces.iter().filter(|(span, ..)| (span.first..=span.last).contains(&position)).collect();
                let (before, after) = (place(&old, position), place(&new, position));
                match around.as_slice() {
                    [] => prop_assert!(before.is_none() && after.is_none(), "{position}"),
                    [(_, one, other)] => prop_assert_eq!((*one, *other), (before, after), "{}", position),
                    _ => prop_assert!(false, "pieces overlap at {}", position),
                }
            }
        }
    }
}
