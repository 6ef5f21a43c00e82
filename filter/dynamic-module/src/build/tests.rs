use super::*;

const ENVOY: &[u8] = &TESTED[0].1;

/// A build, what is lacking, and a part of the sentence.
type Row<'a> = (Option<&'a [u8]>, Option<&'a str>, Option<&'a str>);

fn note(kind: u32, name: &[u8], content: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_ne_bytes();
    let padded = |part: &[u8]| {
        let mut bytes = part.to_vec();
        bytes.resize(part.len().next_multiple_of(4), 0);
        bytes
    };
    let head = [length(name), length(content), kind.to_ne_bytes()].concat();
    [head, padded(name), padded(content)].concat()
}

#[test]
fn an_envoy_is_refused_with_what_to_do() {
    #[rustfmt::skip]
    let rows: [Row<'_>; 5] = [
        (Some(ENVOY), None, None),
        (Some(&[0xab; 20]), None, Some("another build, abababab")),
        (Some(&ENVOY[..19]), None, Some("another build, 9e55")),
        (None, None, Some("does not say which build it is")),
        (Some(ENVOY), Some("log"), Some("has no `log`")),
    ];
    for (build, lacks, expected) in rows {
        let found = refusal(build, lacks);
        assert_eq!(found.is_some(), expected.is_some(), "{build:?} {lacks:?}");
        let (found, expected) = (found.unwrap_or_default(), expected.unwrap_or_default());
        assert!(found.contains(expected), "{found}");
        assert!(found.is_empty() || found.ends_with("or render with `--filter wasm`"), "{found}");
    }
}

#[test]
fn the_build_id_is_found_among_notes() {
    let other = note(1, b"GNU\0", &[0; 16]);
    let strange = note(3, b"Go\0", b"abc");
    let own = note(3, b"GNU\0", ENVOY);
    #[rustfmt::skip]
    let rows = [
        (own.clone(), Some(ENVOY)),
        ([other.clone(), own.clone()].concat(), Some(ENVOY)),
        ([strange.clone(), own.clone(), other.clone()].concat(), Some(ENVOY)),
        ([other, strange].concat(), None),
        (Vec::new(), None),
        (own[..own.len() - 1].to_vec(), None),
        (vec![0xff; 64], None),
    ];
    for (notes, expected) in rows {
        assert_eq!(build_id(&notes), expected, "{notes:02x?}");
    }
}

/// This test is a program as Envoy is one.
#[test]
fn a_program_says_what_its_file_says() {
    let file = std::fs::read("/proc/self/exe").unwrap();
    let found = of_this_program();
    let Some(found) = found else { return assert!(!file.windows(4).any(|part| part == b"GNU\0")) };
    assert!(file.windows(found.len()).any(|part| part == found));
    assert!(found.len() >= 8, "{found:02x?}");
}
