//! The IPv4 addresses that clients on the Internet can have.

use super::merge::Segment;
use super::span::Span;
use crate::special_addresses;

/// All of IPv4.
const WHOLE: Span = Span { first: 0, last: 0xffff_ffff };

/// The ranges that are nobody's on the Internet, rising.
fn reserved() -> impl Iterator<Item = Span> {
    special_addresses::V4.iter().map(|(address, length)| {
        let first = u128::from(address.to_bits());
        let width = 1_u128 << 32_u8.saturating_sub(*length);
        Span { first, last: first.saturating_add(width).saturating_sub(1) }
    })
}

/// How many IPv4 addresses are public.
pub(super) fn size() -> u128 {
    within(WHOLE)
}

/// How many public IPv4 addresses a range has.
pub(super) fn within(span: Span) -> u128 {
    let taken: u128 = reserved().map(|range| overlap(span, range)).sum();
    overlap(span, WHOLE).saturating_sub(taken)
}

/// The share of the public IPv4 addresses that the segments locate, from 0 to 1.
pub(super) fn coverage(segments: &[Segment]) -> f64 {
    let located: u128 = segments.iter().map(|segment| within(segment.span)).sum();
    share(located, size())
}

/// One number as a part of another, which may be 0.
pub(super) fn share(part: u128, whole: u128) -> f64 {
    // Exact up to 2^53, and the error of more does not matter for a share.
    #[expect(clippy::cast_precision_loss, reason = "a share, rounded for people")]
    let float = |number: u128| number as f64;
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

fn overlap(one: Span, other: Span) -> u128 {
    let (first, last) = (one.first.max(other.first), one.last.min(other.last));
    last.checked_sub(first).map_or(0, |width| width.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_public() {
        // 2^32 less 3 /8, 1 /10, 2 /16, 1 /12, 4 /24, 1 /15 and 1 /3.
        assert_eq!(size(), 3_702_258_688);
        #[rustfmt::skip]
        let rows = [
            (0x0800_0000, 0x08ff_ffff, 1 << 24, "8.0.0.0/8"),
            (0x0a00_0000, 0x0aff_ffff, 0, "10.0.0.0/8"),
            (0x0900_0000, 0x0bff_ffff, 2 << 24, "10.0.0.0/8 in the middle"),
            (0, 0xffff_ffff, 3_702_258_688, "everything"),
            (0, u128::MAX, 3_702_258_688, "IPv6 around it"),
            (1 << 32, u128::MAX, 0, "IPv6"),
        ];
        for (first, last, expected, why) in rows {
            assert_eq!(within(Span { first, last }), expected, "{why}");
        }
    }

    #[test]
    fn shares() {
        for (part, whole, expected) in [(0, 0, 0.0), (1, 0, 0.0), (1, 2, 0.5), (3, 3, 1.0)] {
            assert!((share(part, whole) - expected).abs() < 1e-9, "{part} of {whole}");
        }
    }
}
