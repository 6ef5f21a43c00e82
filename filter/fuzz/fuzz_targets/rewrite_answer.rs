//! `Location` and `Link` of a registry's answer: a first byte for header, class and status, then
//! field lines.
//!
//! A client that goes where it is told shows there what it shows the front. So where it goes on
//! with an upload, or to the next page, is a path of the front; a URL of the backend's own never
//! passes; and nothing makes a second header.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portolan_core::config::Config;
use portolan_core::oci::Class;
use portolan_core::response::{Amendment, Receipt, UrlHeader, amend};
use portolan_core::{Action, Facts, RequestHead, plan};

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let policy = br#"{
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.example"], "default": true}},
        "backends": {"b": {"url": "https://b.example/base", "names": [{"front": "team/", "backend": "acme/"}], "upload_paths": ["/uploads/"]}},
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}, "owner": "b"}]
    }"#;
    Config::from_json(policy).unwrap_or_else(|found| panic!("{found:?}"))
});

const REQUESTS: [(&[u8], &[u8]); 4] = [
    (b"POST", b"/v2/team/app/blobs/uploads/"),
    (b"GET", b"/v2/team/app/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000"),
    (b"GET", b"/v2/team/app/tags/list?n=2"),
    (b"PUT", b"/v2/team/app/manifests/v1"),
];

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let (method, target) = REQUESTS[usize::from(kind & 3)];
    let header = if kind & 4 == 0 { UrlHeader::Location } else { UrlHeader::Link };
    let status = [201, 202, 307, 200][usize::from(kind >> 3 & 3)];
    let values: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    let receipt = receipt(method, target);
    let told = match amend(&CONFIG, &receipt, None, header, Some(status), &values) {
        Amendment::Keep => values.iter().map(|value| value.to_vec()).collect(),
        Amendment::Replace(told) => told,
        Amendment::Remove | Amendment::Refuse(_) => return,
    };
    for value in &told {
        match header {
            UrlHeader::Location => check_location(&receipt, status, value),
            UrlHeader::Link => check_link(value),
            UrlHeader::Challenge => {}
        }
    }
    assert!(header != UrlHeader::Location || told.len() == 1, "one place to go to");
});

fn receipt(method: &[u8], target: &[u8]) -> Receipt {
    let head = RequestHead {
        method,
        target,
        scheme: b"https",
        authority: b"registry.example",
        ..RequestHead::default()
    };
    match plan(&CONFIG, &head, &Facts::default()).action {
        Action::Forward(forwarding) => forwarding.receipt,
        other => panic!("{other:?}"),
    }
}

fn check_location(receipt: &Receipt, status: u16, value: &[u8]) {
    let is_here = value.starts_with(b"/") && !value.starts_with(b"//");
    assert!(!is_here || value.starts_with(b"/v2/"), "{}", value.escape_ascii());
    assert!(
        is_here || !receipt.writes || status >= 300 && receipt.class != Class::Upload,
        "{}",
        value.escape_ascii()
    );
    check_foreign(value);
    if is_here {
        assert!(value.iter().all(u8::is_ascii_graphic), "{}", value.escape_ascii());
    }
}

/// The first target of a list; what is in quotes may say what it likes.
fn check_link(value: &[u8]) {
    let first = value.splitn(2, |byte| *byte == b'<').nth(1).unwrap_or_default();
    check_foreign(first.split(|byte| *byte == b'>').next().unwrap_or_default());
}

fn check_foreign(url: &[u8]) {
    let lower = url.to_ascii_lowercase();
    for own in [
        &b"https://b.example/"[..],
        b"http://b.example/",
        b"//b.example/",
        b"https://b.example:443/",
    ] {
        assert!(!lower.starts_with(own), "{}", url.escape_ascii());
    }
}
