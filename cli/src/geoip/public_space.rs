//! The IPv4 addresses that clients on the Internet can have.

use super::merge::Segment;
use super::span::Span;

/// What is not anybody's on the Internet (IANA IPv4 Special-Purpose Address Registry, RFC 6890, and multicast): the
/// first and the last address of each, rising.
const RESERVED: [(u32, u32); 13] = [
    (0x0000_0000, 0x00ff_ffff), // 0.0.0.0/8
    (0x0a00_0000, 0x0aff_ffff), // 10.0.0.0/8
    (0x6440_0000, 0x647f_ffff), // 100.64.0.0/10
    (0x7f00_0000, 0x7fff_ffff), // 127.0.0.0/8
    (0xa9fe_0000, 0xa9fe_ffff), // 169.254.0.0/16
    (0xac10_0000, 0xac1f_ffff), // 172.16.0.0/12
    (0xc000_0000, 0xc000_00ff), // 192.0.0.0/24
    (0xc000_0200, 0xc000_02ff), // 192.0.2.0/24
    (0xc0a8_0000, 0xc0a8_ffff), // 192.168.0.0/16
    (0xc612_0000, 0xc613_ffff), // 198.18.0.0/15
    (0xc633_6400, 0xc633_64ff), // 198.51.100.0/24
    (0xcb00_7100, 0xcb00_71ff), // 203.0.113.0/24
    (0xe000_0000, 0xffff_ffff), // 224.0.0.0/3
];

/// How many IPv4 addresses are public.
pub(super) fn size() -> u128 {
    let reserved: u128 = RESERVED
        .iter()
        .map(|(first, last)| u128::from(last.abs_diff(*first)).saturating_add(1))
        .sum();
    (1_u128 << 32).saturating_sub(reserved)
}

/// How many public IPv4 addresses a range has.
pub(super) fn within(span: Span) -> u128 {
    const LAST: u128 = 0xffff_ffff;
    if span.first > LAST {
        return 0;
    }
    let whole = overlap(span, Span { first: 0, last: LAST });
    let reserved: u128 = RESERVED
        .iter()
        .map(|(first, last)| overlap(span, Span { first: (*first).into(), last: (*last).into() }))
        .sum();
    whole.saturating_sub(reserved)
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
    fn what_is_public() {
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
