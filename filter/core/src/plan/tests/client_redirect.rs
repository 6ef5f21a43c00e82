//! Plans of requests that are redirected.

use super::*;

/// A front that sends its clients away, as archeio does. `ar` is the registry, `us` its copy in
/// another place; of blobs there are copies in buckets.
pub(super) const POLICY: &str = r#"{
    "version": 1,
    "fronts": {
        "main": {"hosts": ["registry.example"],
                 "landing": {"/": "https://example.com/about", "/privacy": "https://example.com/p?x=1#y"}}
    },
    "backends": {
        "ar": {"url": "https://ar.example/base", "names": [{"front": "", "backend": "project/images/"}]},
        "us": {"url": "https://us.example", "names": [{"front": "", "backend": "project/images/"}]}
    },
    "blob_stores": {
        "east": {"url": "https://east.example/containers/images/{digest}"},
        "west": {"url": "https://west.example:8443/{algorithm}/{encoded}"}
    },
    "networks": {"gcp:us": ["10.0.0.0/8"], "aws:us": ["192.0.2.0/24"], "gcp:in-aws": ["192.0.2.64/26"]},
    "regions": {
        "cn": {"countries": ["CN"]}, "carried": {"countries": ["DE"]},
        "west": {"labels": ["aws:us"]}, "default": {}
    },
    "clients": {"geo": {"database": "country.mmdb"}},
    "rules": [
        {"name": "owned", "repositories": ["owned/**"], "owner": "us", "chains": {"default": ["ar"]},
         "client_redirects": {"classes": ["manifests", "blobs"], "stores": "east"}},
        {"name": "all", "repositories": ["**"], "signatures": "us",
         "chains": {"default": ["ar", "us"]},
         "client_redirects": {
            "classes": {"carried": ["blobs"], "default": ["manifests", "blobs", "tags", "referrers"]},
            "stores": {"cn": "none", "west": "west", "default": "east"},
            "keep": ["gcp:*"]
         }}
    ]
}"#;

/// Where a client is, what it asks, and what the host knows about the store.
#[derive(Clone, Copy)]
struct Asks<'a> {
    country: &'a str,
    address: &'a str,
    method: &'a str,
    target: &'a str,
    in_store: Option<Presence>,
}

const UNKNOWN_CLIENT: Asks<'static> =
    Asks { country: "", address: "", method: "GET", target: "", in_store: None };

/// Every backend is up.
fn all_up(in_store: Option<Presence>) -> Facts<'static> {
    Facts { in_store, health: Some(HealthView::AllUpExcept(&[])), ..NONE }
}

/// Where the request ends, and why, as the log says it. `HEX` is a digest without its algorithm.
fn planned(asks: &Asks<'_>) -> (Outcome, String) {
    let config = Config::from_json(POLICY.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"));
    let hex = DIGEST.replace("sha256:", "");
    let target = with_digest(asks.target).replace("HEX", &hex);
    let head = RequestHead {
        client: ClientFacts {
            country: Some(asks.country.as_bytes()),
            address: Some(asks.address.as_bytes()),
            ..ClientFacts::default()
        },
        ..request(asks.method, "registry.example", &target)
    };
    let plan = plan(&config, &head, &all_up(asks.in_store));
    let end = match Outcome::of(&config, plan.action) {
        Outcome::Redirected { location } => redirected(location.replace(&hex, "HEX")),
        other => other,
    };
    (end, plan.record.reason)
}

/// The table of archeio, row by row, in the order of its documentation; what it does wrong is
/// right.
#[test]
fn the_table_of_archeio() {
    let at_ar =
        |rest: &str| redirected(format!("https://ar.example/base/v2/project/images/{rest}"));
    #[rustfmt::skip]
    let rows = [
        ("GET", "/", redirected("https://example.com/about"), "default; page", "its own page"),
        ("HEAD", "/", redirected("https://example.com/about"), "default; page", "its own page"),
        ("GET", "/?utm=x", redirected("https://example.com/about"), "default; page", "with whatever behind it"),
        ("GET", "/privacy", redirected("https://example.com/p?x=1#y"), "default; page", "another page"),
        ("POST", "/", replied(405, "UNSUPPORTED"), "default; UNSUPPORTED", "pages are read"),
        ("GET", "/privacyx", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "archeio: the same page"),
        ("GET", "/privacy/x", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "archeio: the same page"),
        ("GET", "/healthz", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "not of the API"),
        ("GET", "/v1/search", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "not of the API"),
        ("GET", "/v2", replied(200, "ok"), "default; ping", "a registry"),
        ("GET", "/v2/", replied(200, "ok"), "default; ping", "a registry"),
        ("HEAD", "/v2/", replied(200, "ok"), "default; ping", "a registry"),
        ("GET", "/v2/_catalog", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "not offered"),
        ("GET", "/v2foo", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "archeio: sent to the registry's /v2/foo"),
        ("GET", "/v2foo/manifests/v1", replied(404, "UNSUPPORTED"), "default; UNSUPPORTED", "archeio: sent to the registry"),
        ("GET", "/v2/pause/manifests/3.9", at_ar("pause/manifests/3.9"), "default; nearest replica, redirected", "a manifest"),
        ("HEAD", "/v2/pause/manifests/3.9", at_ar("pause/manifests/3.9"), "default; nearest replica, redirected", "the check of a tag"),
        ("GET", "/v2/a/b/manifests/DIGEST", at_ar("a/b/manifests/DIGEST"), "default; nearest, redirected", "by digest"),
        ("GET", "/v2/pause/tags/list?n=5&last=%2f", at_ar("pause/tags/list?n=5&last=%2f"), "default; nearest replica, redirected", "archeio: the query is lost"),
        ("GET", "/v2/pause/manifests/3.9?", at_ar("pause/manifests/3.9?"), "default; nearest replica, redirected", "an empty query, too"),
        ("GET", "/v2/pause/blobs/DIGEST", needs_blob("east"), "default; asked", "a blob: is it in the bucket?"),
        ("HEAD", "/v2/pause/blobs/DIGEST", needs_blob("east"), "default; asked", "a blob: is it in the bucket?"),
        ("GET", "/v2/../../other/manifests/v1", replied(400, "NAME_INVALID"), "default; NAME_INVALID", "archeio: leaves its prefix"),
        ("GET", "/v2/%2e%2e/%2e%2e/other/manifests/v1", replied(400, "NAME_INVALID"), "default; NAME_INVALID", "archeio: leaves its prefix"),
        ("GET", "/v2/a//b/manifests/v1", replied(400, "NAME_INVALID"), "default; NAME_INVALID", "archeio: joined"),
        ("GET", "/v2/pause/blobs/sha256:zz", replied(400, "DIGEST_INVALID"), "default; DIGEST_INVALID", "archeio: asked of the bucket"),
        ("POST", "/v2/pause/blobs/uploads/", replied(405, "UNSUPPORTED"), "default; UNSUPPORTED", "no writes"),
        ("PUT", "/v2/pause/manifests/v1", replied(405, "UNSUPPORTED"), "default; UNSUPPORTED", "no writes"),
        ("PATCH", "/v2/pause/blobs/uploads/1", replied(405, "UNSUPPORTED"), "default; UNSUPPORTED", "no writes"),
        ("DELETE", "/v2/pause/manifests/DIGEST", replied(405, "UNSUPPORTED"), "default; UNSUPPORTED", "no writes"),
        ("OPTIONS", "/v2/pause/manifests/v1", replied(405, "UNSUPPORTED"), "default; UNSUPPORTED", "no other methods"),
    ];
    for (method, target, expected, why, reason) in rows {
        let asks = Asks { method, target, ..UNKNOWN_CLIENT };
        let expected = (expected, why.to_owned());
        assert_eq!(planned(&asks), expected, "{method} {target}: {reason}");
    }
}

#[test]
fn blobs_come_from_the_store_of_the_region_that_has_them() {
    use Presence::{Absent, Present, Unknown};
    let ar = || redirected("https://ar.example/base/v2/project/images/pause/blobs/DIGEST?x=%2f");
    let east = || redirected("https://east.example/containers/images/DIGEST");
    let west = || redirected("https://west.example:8443/sha256/HEX");
    let aws = "network 192.0.2.0/24";
    #[rustfmt::skip]
    let rows = [
        ("", "", Some(Present), east(), "default; blob store, redirected".to_owned(), "an unknown network: the default store"),
        ("", "", Some(Absent), ar(), "default; nearest, redirected".to_owned(), "it lacks it"),
        ("", "", Some(Unknown), ar(), "default; nearest, redirected".to_owned(), "it could not be asked"),
        ("", "192.0.2.1", None, needs_blob("west"), format!("{aws}; asked"), "the region of the network"),
        ("", "192.0.2.1", Some(Present), west(), format!("{aws}; blob store, redirected"), "the region of the network"),
        ("", "::ffff:192.0.2.1", Some(Present), west(), format!("{aws}; blob store, redirected"), "archeio: an unknown network"),
        ("", "192.0.2.65", None, ar(), format!("{aws}; nearest, redirected"), "the longer prefix has the label; archeio: the shorter"),
        ("", "10.1.2.3", None, ar(), "default; nearest, redirected".to_owned(), "kept on the backend"),
        ("CN", "", None, ar(), "country CN; nearest, redirected".to_owned(), "a region without a store"),
        ("DE", "", Some(Present), east(), "country DE; blob store, redirected".to_owned(), "carried but for blobs"),
    ];
    for (country, address, in_store, expected, why, reason) in rows {
        let target = "/v2/pause/blobs/DIGEST?x=%2f";
        let asks = Asks { country, address, target, in_store, ..UNKNOWN_CLIENT };
        let found = planned(&asks);
        assert_eq!(found, (expected, why), "{country} {address} {in_store:?}: {reason}");
    }
}

#[test]
fn requests_of_other_classes_are_forwarded() {
    let blob = "https://ar.example/base/v2/project/images/pause/blobs/DIGEST";
    let by_digest = [
        "/base/v2/project/images/pause/manifests/DIGEST",
        "/v2/project/images/pause/manifests/DIGEST",
    ];
    #[rustfmt::skip]
    let rows = [
        ("/v2/pause/manifests/v1", forwarded("ar", ["/base/v2/project/images/pause/manifests/v1"]), "nearest replica"),
        ("/v2/pause/manifests/DIGEST", forwarded("ar+us", by_digest), "nearest"),
        ("/v2/pause/tags/list?n=1", forwarded("ar", ["/base/v2/project/images/pause/tags/list?n=1"]), "nearest replica"),
        ("/v2/pause/blobs/DIGEST", redirected(blob), "nearest, redirected"),
    ];
    for (target, expected, why) in rows {
        let in_store = Some(Presence::Absent);
        let asks = Asks { country: "DE", target, in_store, ..UNKNOWN_CLIENT };
        assert_eq!(planned(&asks), (expected, format!("country DE; {why}")), "{target}");
    }
}

#[test]
fn signatures_come_from_one_backend() {
    let at_us =
        |rest: &str| redirected(format!("https://us.example/v2/project/images/pause/{rest}"));
    let from_us = |rest: &str| forwarded("us", [&*format!("/v2/project/images/pause/{rest}")]);
    let from_ar = forwarded("ar", ["/base/v2/project/images/pause/manifests/v1.sig"]);
    let (signatures, sent) = ("country DE; for signatures", "default; for signatures, redirected");
    // The hexadecimal part of a digest is in the tag of a signature.
    let hex = DIGEST.replace("sha256:", "");
    let signed = |end: &str| format!("manifests/sha256-{hex}{end}");
    #[rustfmt::skip]
    let rows = [
        ("", "/v2/pause/manifests/sha256-HEX.sig", at_us("manifests/sha256-HEX.sig"), sent),
        ("", "/v2/pause/manifests/sha256-HEX", at_us("manifests/sha256-HEX"), sent),
        ("", "/v2/pause/referrers/DIGEST?artifactType=x", at_us("referrers/DIGEST?artifactType=x"), sent),
        ("DE", "/v2/pause/manifests/sha256-HEX.att", from_us(&signed(".att")), signatures),
        ("DE", "/v2/pause/referrers/DIGEST", from_us("referrers/DIGEST"), signatures),
        ("DE", "/v2/pause/manifests/v1.sig", from_ar, "country DE; nearest replica"),
    ];
    for (country, target, expected, why) in rows {
        let asks = Asks { country, target, ..UNKNOWN_CLIENT };
        assert_eq!(planned(&asks), (expected, why.to_owned()), "{country} {target}");
    }
}

#[test]
fn pushes_are_forwarded_and_the_checks_before_them_are_the_owners() {
    let at_owner =
        |rest: &str| redirected(format!("https://us.example/v2/project/images/owned/a/{rest}"));
    let written =
        |rest: &str| forwarded("us@owner", [&*format!("/v2/project/images/owned/a/{rest}")]);
    let tags = forwarded("ar", ["/base/v2/project/images/owned/a/tags/list"]);
    let write = "owner, for a write";
    let check = "owner, for an existence check, redirected";
    #[rustfmt::skip]
    let rows = [
        ("PUT", "manifests/v1", written("manifests/v1"), write),
        ("POST", "blobs/uploads/", written("blobs/uploads/"), write),
        ("GET", "blobs/uploads/1", written("blobs/uploads/1"), write),
        ("HEAD", "blobs/DIGEST", at_owner("blobs/DIGEST"), check),
        ("HEAD", "manifests/DIGEST", at_owner("manifests/DIGEST"), check),
        ("GET", "blobs/DIGEST", needs_blob("east"), "asked"),
        ("GET", "tags/list", tags, "nearest replica"),
    ];
    for (method, rest, expected, why) in rows {
        let target = &*format!("/v2/owned/a/{rest}");
        let asks = Asks { method, target, ..UNKNOWN_CLIENT };
        assert_eq!(planned(&asks), (expected, format!("default; {why}")), "{method} {target}");
    }
}

#[test]
fn the_record_names_where_a_client_was_sent() {
    let config = Config::from_json(POLICY.as_bytes()).unwrap();
    let target = format!("/v2/pause/blobs/{DIGEST}");
    #[rustfmt::skip]
    let rows = [
        ("/", None, (None, None)),
        (target.as_str(), Some(Presence::Present), (Some("all"), Some("east"))),
        (target.as_str(), Some(Presence::Absent), (Some("all"), Some("ar"))),
    ];
    for (target, in_store, expected) in rows {
        let head = request("GET", "registry.example", target);
        let record = plan(&config, &head, &all_up(in_store)).record;
        assert_eq!((record.rule, record.sent_to), expected, "{target} {in_store:?}");
    }
    let elsewhere = plan(&config, &request("GET", "x", "/"), &NONE).action;
    assert_eq!(Outcome::of(&config, elsewhere), replied(404, "UNSUPPORTED"));
}

/// A front that stands for several registries redirects by the policy's name; `ns` is not the
/// backend's.
#[test]
fn registries_that_clients_name() {
    let policy = r#"{
        "version": 1,
        "fronts": {"mirror": {"hosts": ["mirror.example"], "upstreams": {
            "docker.io": {"library": true, "ns": ["docker.io"]},
            "registry.k8s.io": {"ns": ["registry.k8s.io"]}
        }}},
        "backends": {
            "hub": {"url": "https://hub.example", "names": [{"front": "docker.io/", "backend": ""}]},
            "ar": {"url": "https://ar.example", "names": [{"front": "registry.k8s.io/", "backend": "images/"}]}
        },
        "blob_stores": {"east": {"url": "https://east.example/{digest}"}},
        "regions": {"default": {}},
        "rules": [
            {"name": "hub", "repositories": ["docker.io/**"], "chains": {"default": ["hub"]},
             "client_redirects": {"classes": ["manifests", "tags"]}},
            {"name": "k8s", "repositories": ["registry.k8s.io/**"], "chains": {"default": ["ar"]},
             "client_redirects": {"classes": ["manifests"], "stores": "east"}}
        ]
    }"#;
    let config = Config::from_json(policy.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"));
    #[rustfmt::skip]
    let rows = [
        ("/v2/pause/manifests/3.9?ns=registry.k8s.io&x=%2f", "https://ar.example/v2/images/pause/manifests/3.9?x=%2f", Some("registry.k8s.io"), "by `ns`"),
        ("/v2/registry.k8s.io/pause/manifests/3.9?x=1", "https://ar.example/v2/images/pause/manifests/3.9?x=1", None, "by path"),
        ("/v2/nginx/tags/list?n=1&ns=docker.io", "https://hub.example/v2/library/nginx/tags/list?n=1", Some("docker.io"), "completed"),
        ("/v2/pause/blobs/DIGEST?ns=registry.k8s.io", "https://east.example/DIGEST", Some("registry.k8s.io"), "a store"),
    ];
    for (target, expected, namespace, reason) in rows {
        let target = with_digest(target);
        let head = request("GET", "mirror.example", &target);
        let facts = Facts { in_store: Some(Presence::Present), ..NONE };
        let Action::Reply(reply) = plan(&config, &head, &facts).action else { panic!("{target}") };
        assert_eq!(header(&reply, "location"), Some(&*with_digest(expected)), "{reason}");
        assert_eq!(header(&reply, "oci-namespace"), namespace, "{reason}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Everything that the policy lets a client be sent to, and nothing that a client wrote.
    const PLACES: [&str; 6] = [
        "https://ar.example/base/v2/project/images/",
        "https://us.example/v2/project/images/",
        "https://east.example/containers/images/sha256:",
        "https://west.example:8443/sha256/",
        "https://example.com/about",
        "https://example.com/p?x=1#y",
    ];

    fn target() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just("/".to_owned()),
            Just("..".to_owned()),
            Just("//evil.example".to_owned()),
            Just("\\".to_owned()),
            Just("%2e%2e".to_owned()),
            Just("%0d%0aLocation:".to_owned()),
            Just("@evil.example".to_owned()),
            Just("/manifests/v1".to_owned()),
            Just(format!("/blobs/{DIGEST}")),
            Just("/tags/list".to_owned()),
            Just(format!("/referrers/{DIGEST}")),
            Just("?n=1&last=%2F".to_owned()),
            "[a-z0-9]{1,4}(/[a-z]{1,3}){0,2}",
            "[ -~]{0,6}",
        ];
        let pieces = prop::collection::vec(piece, 0..6);
        let start = prop::sample::select(vec!["/v2/", "/v2", "/v2/a", "/", ""]);
        let bytes = prop::collection::vec(any::<u8>(), 0..12);
        prop_oneof![
            9 => (start, pieces).prop_map(|(start, pieces)| (start.to_owned() + &pieces.concat()).into()),
            1 => bytes,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn no_bytes_of_a_client_choose_a_place(
            method in prop::sample::select(vec!["GET", "HEAD", "POST", "DELETE"]),
            target in target(),
            present in any::<bool>(),
        ) {
            let config = Config::from_json(POLICY.as_bytes()).unwrap();
            let in_store = Some(if present { Presence::Present } else { Presence::Unknown });
            let (method, authority) = (method.as_bytes(), &b"registry.example"[..]);
            let head =
                RequestHead { method, target: &target, authority, ..RequestHead::default() };
            let Action::Reply(reply) = plan(&config, &head, &all_up(in_store)).action else { return Ok(()) };
            for (name, location) in reply.headers.iter().filter(|(name, _)| *name == "location") {
                prop_assert!(matches!(method, b"GET" | b"HEAD"), "{name} for a write");
                let place = PLACES.iter().find(|place| location.starts_with(**place));
                let rest = location.strip_prefix(*place.unwrap()).unwrap();
                let path = rest.split('?').next().unwrap();
                prop_assert!(!path.split('/').any(|part| matches!(part, "" | "." | "..")) || rest.is_empty());
                prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
                let sent = target.splitn(2, |byte| *byte == b'?').nth(1);
                let kept = rest.split_once('?').map(|(_, query)| query.as_bytes());
                prop_assert!(rest.is_empty() || present || sent == kept, "the query is kept");
            }
        }
    }
}
