//! Bodies as they come, and what becomes of each part.

use super::*;

/// Of `abc` (FIPS 180-4 has it as an example).
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// Of nothing.
const NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn expected(digest: &str, length: Option<u64>) -> Expected {
    Expected::new(&Digest::parse(digest.as_bytes()).unwrap(), length).unwrap()
}

/// A part of a body, whether it is the last one, and whether it may go on.
type Part = (&'static str, bool, bool);

#[test]
fn the_end_of_other_content_is_held_back() {
    #[rustfmt::skip]
    let rows: [(&str, Option<u64>, &[Part], &str); 11] = [
        (ABC, Some(3), &[("abc", true, true)], "at once"),
        (ABC, Some(3), &[("ab", false, true), ("c", false, true), ("", true, true)], "in parts"),
        (ABC, None, &[("ab", false, true), ("c", false, true), ("", true, true)], "no length"),
        (ABC, Some(3), &[("ab", false, true), ("d", false, false)], "the last byte is wrong"),
        (ABC, Some(3), &[("xb", false, true), ("c", true, false)], "the first byte is wrong"),
        (ABC, None, &[("abd", false, true), ("", true, false)], "no length: the end is missing"),
        (ABC, Some(4), &[("abc", false, true), ("d", true, false)], "more than it should be"),
        (ABC, Some(2), &[("ab", false, false), ("", true, false)], "less, and so announced"),
        (ABC, Some(3), &[("ab", true, false)], "less than announced"),
        (ABC, Some(0), &[("", true, false)], "nothing"),
        (NOTHING, Some(0), &[("", true, true)], "nothing is what there is"),
    ];
    for (digest, length, parts, reason) in rows {
        let mut check = Check::new(expected(digest, length));
        for (bytes, is_end, passes) in parts {
            check.take(bytes.as_bytes());
            let found = check.verdict(*is_end) == Verdict::Passes;
            assert_eq!(found, *passes, "{reason}: {bytes:?}");
        }
    }
}

#[test]
fn only_sha256_is_checked() {
    let other = format!("sha512:{}", "0".repeat(128));
    assert_eq!(Expected::new(&Digest::parse(other.as_bytes()).unwrap(), None), None);
    assert_eq!(Expected::new(&Digest::parse(b"other:00").unwrap(), None), None);
}

#[test]
fn however_it_is_cut_the_hash_is_the_same() {
    let body: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let whole = Sha256::digest(&body);
    let hex: Vec<String> = whole.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = expected(&format!("sha256:{}", hex.concat()), Some(1000));
    for size in [1, 3, 63, 64, 65, 999, 1000] {
        let mut check = Check::new(expected);
        for part in body.chunks(size) {
            check.take(part);
            assert_eq!(check.verdict(false), Verdict::Passes, "{size}");
        }
        let mut wrong = Check::new(expected);
        wrong.take(&body[1..]);
        wrong.take(b"!");
        assert_eq!(wrong.verdict(false), Verdict::Wrong, "{size}");
    }
}
