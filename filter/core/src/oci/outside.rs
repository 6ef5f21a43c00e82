//! Uploads that a registry continues outside of its `/v2/`.
//!
//! The client is given a session of the front instead, so that such a request is parsed, admitted
//! and carried as that of any upload: the path of the registry in one segment, behind a word that
//! no session starts with otherwise. A slash is `~1` there and a tilde `~0`, as in a JSON pointer
//! (RFC 6901 section 3); every other byte stays, escapes as well.

use super::target;

/// What such a session starts with; the `~1` is the first slash of the path.
const MARK: &[u8] = b"portolan~1";
const SLASH: u8 = b'1';
const TILDE: u8 = b'0';

/// The session of the front for a path of the registry; `None` for what the front would not take
/// again, such as a path with `..` or an escaped slash.
#[must_use]
pub fn session_of(path: &[u8]) -> Option<Vec<u8>> {
    if !target::is_path(path) {
        return None;
    }
    let mut session = b"portolan".to_vec();
    for byte in path {
        match byte {
            b'/' => session.extend([b'~', SLASH]),
            b'~' => session.extend([b'~', TILDE]),
            _ => session.push(*byte),
        }
    }
    Some(session)
}

/// Whether a session stands for a path of the registry.
#[must_use]
pub fn is_outside(session: &[u8]) -> bool {
    session.starts_with(MARK)
}

/// The path of the registry that a session stands for; `None` for what [`session_of`] never makes.
#[must_use]
pub fn path_of(session: &[u8]) -> Option<Vec<u8>> {
    let written = session.strip_prefix(MARK)?;
    let mut path = b"/".to_vec();
    let mut pieces = written.split(|byte| *byte == b'~');
    path.extend_from_slice(pieces.next()?);
    for piece in pieces {
        let (first, rest) = piece.split_first()?;
        path.push(match *first {
            SLASH => b'/',
            TILDE => b'~',
            _ => return None,
        });
        path.extend_from_slice(rest);
    }
    (!written.contains(&b'/') && target::is_path(&path)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, Method, parse};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_and_sessions() {
        #[rustfmt::skip]
        let rows = [
            ("/artifacts-uploads/namespaces/p/repositories/r/uploads/A", "portolan~1artifacts-uploads~1namespaces~1p~1repositories~1r~1uploads~1A", "Google's"),
            ("/u/a/blobs/uploads/x", "portolan~1u~1a~1blobs~1uploads~1x", "reads as one segment, whatever it ends in"),
            ("/u/a~b/%3A=", "portolan~1u~1a~0b~1%3A=", "a tilde, an escape"),
            ("/u/", "portolan~1u~1", "a last slash"),
            ("/", "portolan~1", "nothing"),
        ];
        for (path, session, reason) in rows {
            let made = session_of(path.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(made).unwrap(), session, "{reason}");
            assert_eq!(path_of(session.as_bytes()).as_deref(), Some(path.as_bytes()), "{reason}");
            assert!(is_outside(session.as_bytes()), "{reason}");
        }
        for path in
            ["", "u/x", "/u/../x", "/u/./x", "/u//x", "/u/%2fx", "/u/%2e%2e/x", "/u/;x", "/u/\\x"]
        {
            assert_eq!(session_of(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn an_invented_upload_path_is_refused() {
        #[rustfmt::skip]
        let rows = [
            ("portolan", "no mark"),
            ("portolan~0u", "no slash"),
            ("xportolan~1u", "not at the start"),
            ("portolan~1u~", "an open tilde"),
            ("portolan~1u~2x", "no such escape"),
            ("portolan~1u~1..~1x", "dots"),
            ("portolan~1u~1.~1x", "a dot"),
            ("portolan~1u~1~1x", "an empty segment"),
            ("portolan~1~1evil.example~1x", "another host, to some"),
            ("portolan~1u/x", "a slash"),
            ("portolan~1u~1%2fx", "an escaped slash"),
            ("portolan~1u~1%2e%2e~1x", "escaped dots"),
        ];
        for (session, reason) in rows {
            assert_eq!(path_of(session.as_bytes()), None, "{session}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn every_path_is_one_upload_of_its_repository(path in "(/[a-z0-9~._:@%-]{1,8}){1,6}/?") {
            let Some(session) = session_of(path.as_bytes()) else { return Ok(()) };
            let target = [b"/v2/a/blobs/uploads/b/blobs/uploads/", session.as_slice(), b"?x=1"].concat();
            let request = parse(b"PATCH", &target).unwrap();
            prop_assert_eq!(request.method, Method::Patch);
            let Endpoint::Upload { name, session } = request.endpoint else {
                panic!("an upload");
            };
            prop_assert_eq!(name.as_str(), "a/blobs/uploads/b");
            prop_assert_eq!(path_of(session).unwrap(), path.into_bytes());
        }

        #[test]
        fn no_session_has_two_forms(session in "portolan~1([a-z/~]|~0|~1|%3A){0,12}") {
            if let Some(path) = path_of(session.as_bytes()) {
                prop_assert_eq!(session_of(&path), Some(session.into_bytes()));
            }
        }
    }
}
