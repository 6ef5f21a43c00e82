//! Properties of the parser, on requests that are valid, nearly valid and anything at all.

use super::super::{Class, Method, RegistryRequest, parse};
use super::{expand, parse_with_any_method, twin};
use crate::grammar::RepositoryName;
use proptest::prelude::*;

const METHODS: [Method; 6] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete];

/// A repository name as the spec's expression makes them; words of the API are frequent.
fn name() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => "[a-z0-9]{1,3}((\\.|_|__|-{1,3})[a-z0-9]{1,2}){0,2}",
        1 => prop::sample::select(&["blobs", "uploads", "manifests", "tags", "list", "referrers", "v2"][..])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 1..6).prop_map(|words| words.join("/"))
}

fn digest() -> impl Strategy<Value = String> {
    prop_oneof![
        "sha256(:|%3A|%3a)[0-9a-f]{64}",
        "sha512:[0-9a-f]{128}",
        "[a-z0-9]{1,4}([+._-][a-z0-9]{1,3})?(:|%3A)[a-zA-Z0-9=_-]{1,9}"
    ]
}

/// Segments of an upload session or of an extension.
fn opaque() -> impl Strategy<Value = String> {
    "([a-zA-Z0-9_~!$&'()*+,=:@-]|%3A|%3d|%7B){1,6}(/([a-zA-Z0-9_=:-]|%2B|%5b){1,6}){0,2}"
}

/// What may follow the name.
fn tail() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/tags/list".to_owned()),
        Just("/blobs/uploads/".to_owned()),
        Just("/blobs/uploads".to_owned()),
        "/manifests/[a-zA-Z0-9_][a-zA-Z0-9._-]{0,8}",
        digest().prop_map(|digest| format!("/manifests/{digest}")),
        digest().prop_map(|digest| format!("/blobs/{digest}")),
        digest().prop_map(|digest| format!("/referrers/{digest}")),
        opaque().prop_map(|session| format!("/blobs/uploads/{session}")),
        opaque().prop_map(|path| format!("/_x/{path}")),
    ]
}

/// The target of a valid request, except that a name may make an open form ambiguous.
fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => (name(), tail()).prop_map(|(name, tail)| format!("/v2/{name}{tail}")),
        1 => prop::sample::select(&["/v2", "/v2/", "/v2/_catalog"][..]).prop_map(str::to_owned),
        1 => opaque().prop_map(|path| format!("/v2/_{path}")),
    ]
}

/// Segments thrown together: every ambiguity comes up.
fn soup() -> impl Strategy<Value = String> {
    const WORDS: [&str; 24] = [
        "v2",
        "a",
        "b.c",
        "blobs",
        "blobs",
        "uploads",
        "uploads",
        "manifests",
        "tags",
        "list",
        "referrers",
        "_catalog",
        "_oci",
        "{D}",
        "{E}",
        "x:y",
        "",
        "A",
        ".",
        "..",
        "%2e",
        "s=%3D",
        "-",
        "t;",
    ];
    let segments = prop::collection::vec(prop::sample::select(&WORDS[..]), 0..9);
    segments.prop_map(|segments| expand(&format!("/v2/{}", segments.join("/"))))
}

/// One change to a text: remove, insert or replace.
type Edit = (prop::sample::Index, usize, String);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let inserted = "([/.%:_A-Za-z0-9;\\\\ ~\\x00é]|%2F|%2e|%3A|%6D|/blobs/uploads|/manifests|/_|//|\\.\\.){0,2}";
    prop::collection::vec((any::<prop::sample::Index>(), 0..3_usize, inserted), 1..4)
}

fn edited(target: &str, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = target.as_bytes().to_vec();
    for (index, removed, inserted) in edits {
        let start = index.index(bytes.len() + 1);
        let end = (start + removed).min(bytes.len());
        bytes.splice(start..end, inserted.bytes());
    }
    bytes
}

/// Parser and twin agree, and what is accepted is printed and read back as the same value.
fn check(target: &[u8]) -> Result<(), TestCaseError> {
    let request = parse_with_any_method(target);
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let expected = str::from_utf8(path).ok().and_then(twin::read);
    prop_assert_eq!(request.as_ref().map(|request| &request.endpoint), expected.as_ref());
    request.map_or(Ok(()), |request| check_round_trip(&request))
}

fn check_round_trip(request: &RegistryRequest<'_>) -> Result<(), TestCaseError> {
    let name = request.endpoint.repository().map_or("", |name| name.as_str());
    let printed = request.target("", name);
    let again = parse(request.method.as_str().as_bytes(), &printed);
    prop_assert_eq!(again.as_ref(), Ok(request));
    prop_assert_eq!(again.unwrap().target("", name), printed);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn valid_requests(target in target(), query in "(\\?[!-\"$-~]{0,9})?") {
        let target = format!("{target}{query}");
        let path = target.split('?').next().unwrap();
        let request = parse_with_any_method(target.as_bytes());
        // Ambiguous and over-long ones apart, all of them are accepted.
        let is_open = path.matches("blobs/uploads").count() > 1 || path.contains("/_");
        prop_assert!(request.is_some() || is_open || path.len() > 250, "{}", target);
        let found = request.and_then(|request| request.query.map(<[u8]>::to_vec));
        let expected = target.split_once('?').map(|(_, query)| query.as_bytes().to_vec());
        prop_assert!(found == expected || is_open || path.len() > 250);
        if query.is_empty() {
            check(target.as_bytes())?;
        }
    }

    #[test]
    fn nearly_valid_requests(target in target(), edits in edits()) {
        let target = edited(&target, &edits);
        prop_assume!(!target.contains(&b'?'));
        check(&target)?;
    }

    #[test]
    fn segments_in_any_order(target in soup()) {
        check(target.as_bytes())?;
    }

    #[test]
    fn a_name_survives_the_way_to_a_backend(
        target in target(), other in name(), prefix in "(/[a-z]{1,3}){0,2}"
    ) {
        let Some(request) = parse_with_any_method(target.as_bytes()) else { return Ok(()) };
        let path = request.endpoint.path(&prefix, &other);
        prop_assert!(path.starts_with(prefix.as_bytes()));
        let is_open = other.contains("blobs/uploads")
            && matches!(request.endpoint.class(), Class::Upload | Class::Extension);
        let mapped = parse(request.method.as_str().as_bytes(), &path[prefix.len()..]);
        let expected = request.endpoint.repository().map(|_| other.as_str());
        let found = mapped.as_ref().map(|mapped| mapped.endpoint.repository().map(RepositoryName::as_str));
        prop_assert!(found == Ok(expected) || is_open && mapped.is_err(), "{:?}", mapped);
    }

    #[test]
    fn any_bytes_never_panic(
        method in prop::collection::vec(any::<u8>(), 0..8),
        target in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        if let Ok(request) = parse(&method, &target) {
            prop_assert_eq!(request.method.as_str().as_bytes(), method);
            check_round_trip(&request)?;
        }
    }

    #[test]
    fn a_method_changes_nothing_but_whether_it_is_allowed(target in target()) {
        let Some(request) = parse_with_any_method(target.as_bytes()) else { return Ok(()) };
        for method in METHODS {
            let allowed = request.endpoint.methods().contains(&method);
            let found = parse(method.as_str().as_bytes(), target.as_bytes());
            prop_assert_eq!(found.is_ok(), allowed);
            prop_assert!(found.is_err() || found.unwrap().endpoint == request.endpoint);
        }
    }
}

#[test]
fn the_generators_reach_both_verdicts() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    for strategy in [
        soup().boxed(),
        (target(), edits())
            .prop_map(|(target, edits)| {
                String::from_utf8_lossy(&edited(&target, &edits)).into_owned()
            })
            .boxed(),
    ] {
        let accepted = (0..1000).filter(|_| {
            let target = strategy.new_tree(&mut runner).unwrap().current();
            parse_with_any_method(target.as_bytes()).is_some()
        });
        let count = accepted.count();
        assert!((20..900).contains(&count), "{count} of 1000 accepted");
    }
}
