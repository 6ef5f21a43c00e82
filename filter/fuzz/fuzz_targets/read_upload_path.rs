//! Uploads that go on outside of a registry's API: sessions that clients bring back, and paths of
//! registries.
//!
//! A session that is taken stands for exactly one path, which no server reads as another one; a
//! path that is given to a client comes back as the same path, in the upload of the repository that
//! it was given for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::config::UploadPath;
use portolan_core::oci::{Endpoint, outside, parse};

fuzz_target!(|input: &[u8]| {
    if let Some(path) = outside::path_of(input) {
        check_path(&path);
        assert_eq!(outside::session_of(&path).as_deref(), Some(input), "one form of each session");
    }
    if let Some(session) = outside::session_of(input) {
        check_path(input);
        assert!(!session.contains(&b'/'));
        if outside::is_outside(&session) {
            assert_eq!(outside::path_of(&session).as_deref(), Some(input));
        }
        let target = [b"/v2/team/app/blobs/uploads/", session.as_slice(), b"?x=1"].concat();
        if let Ok(request) = parse(b"PATCH", &target) {
            let Endpoint::Upload { name, session: found } = request.endpoint else {
                panic!("{request:?}")
            };
            assert_eq!((name.as_str(), found), ("team/app", session.as_slice()));
        }
    }
    if let Some(allowed) = str::from_utf8(input).ok().and_then(UploadPath::parse) {
        let text = allowed.as_str();
        assert!(text.len() > 2 && text.starts_with('/') && text.ends_with('/'));
        check_path(text.as_bytes());
        assert!(!allowed.covers(text.as_bytes()) && allowed.covers(format!("{text}x").as_bytes()));
    }
});

/// Nothing that servers read in different ways.
fn check_path(path: &[u8]) {
    assert!(path.starts_with(b"/") && path.iter().all(u8::is_ascii_graphic));
    assert!(!path.windows(2).any(|pair| pair == b"//"));
    assert!(path.split(|byte| *byte == b'/').all(|segment| segment != b"." && segment != b".."));
    assert!(!path.iter().any(|byte| b"\\?#;".contains(byte)));
}
