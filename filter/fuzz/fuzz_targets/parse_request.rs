//! The request parser on `METHOD target`.
//!
//! Whatever it accepts must be printed and read back as the same value, must name the
//! repository that stands in the path, and must hold nothing that a server could read as
//! another path. The grammar is checked here by other means than in the parser.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::oci::{RegistryRequest, RequestError, parse};

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b' ');
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match parse(method, target) {
        Ok(request) => check(&request, method, target),
        Err(RequestError::MethodNotAllowed { allow }) => {
            assert!(
                !allow.is_empty()
                    && allow.iter().all(|allowed| allowed.as_str().as_bytes() != method)
            );
        }
        Err(_) => {}
    }
});

fn check(request: &RegistryRequest<'_>, method: &[u8], target: &[u8]) {
    assert_eq!(request.method.as_str().as_bytes(), method);
    assert!(request.endpoint.methods().contains(&request.method));

    let target = str::from_utf8(target).expect("only ASCII is accepted");
    let (path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    assert_eq!(request.query, query.map(str::as_bytes));
    check_path(path);

    let name = request.endpoint.repository().map_or("", |name| name.as_str());
    if !name.is_empty() {
        assert!(is_name(name), "{name}");
        assert!(
            path.strip_prefix("/v2/").is_some_and(|rest| rest.starts_with(&format!("{name}/")))
        );
    }
    let printed = request.target("", name);
    assert_eq!(parse(method, &printed).as_ref(), Ok(request));
    check_canonical(path, str::from_utf8(&request.endpoint.path("", name)).unwrap());

    // A mount is read from the same query however often the request is printed.
    assert_eq!(parse(method, &printed).map(|again| again.mount()), Ok(request.mount()));
    if let Ok(Some(mount)) = request.mount() {
        assert!(mount.from.as_deref().is_none_or(is_name));
    }
}

/// Nothing that servers read in different ways.
fn check_path(path: &str) {
    assert!(path == "/v2" || path.starts_with("/v2/"));
    assert!(!path.contains("//"));
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
    assert!(
        path.chars()
            .all(|character| character.is_ascii_graphic() && !"\\;#\"<>".contains(character))
    );
    for escape in path.split('%').skip(1) {
        let byte = u8::from_str_radix(&escape[..2], 16).expect("two digits");
        assert!(byte.is_ascii_punctuation() && !b"/\\.%?#;-_~".contains(&byte));
    }
}

/// The printed path is the path that came, but for the three spellings that mean the same.
fn check_canonical(path: &str, printed: &str) {
    let with_slash = format!("{path}/");
    let with_colon = path.replacen("%3A", ":", 1);
    let with_colon_too = path.replacen("%3a", ":", 1);
    assert!(
        [path, &with_slash, &with_colon, &with_colon_too].contains(&printed),
        "{path} as {printed}"
    );
}

/// The spec's grammar of names as a state machine.
fn is_name(name: &str) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Start,
        Word,
        Dot,
        Underscore,
        Underscores,
        Dashes,
    }
    let end = name.bytes().try_fold(State::Start, |state, byte| match (state, byte) {
        (_, b'a'..=b'z' | b'0'..=b'9') => Some(State::Word),
        (State::Word, b'/') => Some(State::Start),
        (State::Word, b'.') => Some(State::Dot),
        (State::Word, b'_') => Some(State::Underscore),
        (State::Underscore, b'_') => Some(State::Underscores),
        (State::Word | State::Dashes, b'-') => Some(State::Dashes),
        _ => None,
    });
    name.len() <= 255 && end == Some(State::Word)
}
