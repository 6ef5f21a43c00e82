//! Plans of requests that are redirected.

use super::*;

/// A front that sends its clients away, as archeio does. `ar` is the registry, `us` its copy in another
/// place; of blobs there are copies in buckets.
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
    Facts { in_store, health: Some(Examined::UpBut(&[])), ..NONE }
}

/// Where the request ends: the status and the URL, the cluster, or the question.
fn run(asks: &Asks<'_>) -> String {
    let config = Config::from_json(POLICY.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"));
    let hex = DIGEST.replace("sha256:", "");
    let target = asks.target.replace("DIGEST", DIGEST).replace("HEX", &hex);
    let head = RequestHead {
        method: asks.method.as_bytes(),
        target: target.as_bytes(),
        authority: b"registry.example",
        client: ClientFacts {
            country: Some(asks.country.as_bytes()),
            address: Some(asks.address.as_bytes()),
            ..ClientFacts::default()
        },
        ..RequestHead::default()
    };
    let plan = plan(&config, &head, &all_up(asks.in_store));
    let reason = plan.record.reason.clone();
    let end = match plan.action {
        Action::Reply(reply) => {
            let location = reply.headers.iter().find(|(name, _)| *name == "location");
            let location = location.map(|(_, value)| format!(" {value}")).unwrap_or_default();
            assert_eq!(reply.status == 307, !location.is_empty());
            format!("{}{location}", reply.status)
        }
        Action::Forward(forwarding) => format!("carried to {}", forwarding.cluster),
        Action::Need(Need::BlobPresence(blob)) => {
            assert_eq!(blob.digest.as_str(), DIGEST);
            format!("ask {}", config.blob_store(blob.store).unwrap().name())
        }
        other => format!("{other:?}"),
    };
    format!("{end}; {reason}").replace(DIGEST, "DIGEST").replace(&hex, "HEX")
}

/// The table of archeio, row by row, in the order of its documentation; what it does wrong is right.
#[test]
fn the_table_of_archeio() {
    #[rustfmt::skip]
    let rows = [
        ("GET", "/", "307 https://example.com/about; default; page", "its own page"),
        ("HEAD", "/", "307 https://example.com/about; default; page", "its own page"),
        ("GET", "/?utm=x", "307 https://example.com/about; default; page", "with whatever behind it"),
        ("GET", "/privacy", "307 https://example.com/p?x=1#y; default; page", "another page"),
        ("POST", "/", "405; default; UNSUPPORTED", "pages are read"),
        ("GET", "/privacyx", "404; default; UNSUPPORTED", "archeio: the same page"),
        ("GET", "/privacy/x", "404; default; UNSUPPORTED", "archeio: the same page"),
        ("GET", "/healthz", "404; default; UNSUPPORTED", "not of the API"),
        ("GET", "/v1/search", "404; default; UNSUPPORTED", "not of the API"),
        ("GET", "/v2", "200; default; ping", "a registry"),
        ("GET", "/v2/", "200; default; ping", "a registry"),
        ("HEAD", "/v2/", "200; default; ping", "a registry"),
        ("GET", "/v2/_catalog", "404; default; UNSUPPORTED", "not offered"),
        ("GET", "/v2foo", "404; default; UNSUPPORTED", "archeio: sent to the registry's /v2/foo"),
        ("GET", "/v2foo/manifests/v1", "404; default; UNSUPPORTED", "archeio: sent to the registry"),
        ("GET", "/v2/pause/manifests/3.9", "307 https://ar.example/base/v2/project/images/pause/manifests/3.9; default; nearest replica, redirected", "a manifest"),
        ("HEAD", "/v2/pause/manifests/3.9", "307 https://ar.example/base/v2/project/images/pause/manifests/3.9; default; nearest replica, redirected", "the check of a tag"),
        ("GET", "/v2/a/b/manifests/DIGEST", "307 https://ar.example/base/v2/project/images/a/b/manifests/DIGEST; default; nearest, redirected", "by digest"),
        ("GET", "/v2/pause/tags/list?n=5&last=%2f", "307 https://ar.example/base/v2/project/images/pause/tags/list?n=5&last=%2f; default; nearest replica, redirected", "archeio: the query is lost"),
        ("GET", "/v2/pause/manifests/3.9?", "307 https://ar.example/base/v2/project/images/pause/manifests/3.9?; default; nearest replica, redirected", "an empty query, too"),
        ("GET", "/v2/pause/blobs/DIGEST", "ask east; default; asked", "a blob: is it in the bucket?"),
        ("HEAD", "/v2/pause/blobs/DIGEST", "ask east; default; asked", "a blob: is it in the bucket?"),
        ("GET", "/v2/../../other/manifests/v1", "400; default; NAME_INVALID", "archeio: leaves its prefix"),
        ("GET", "/v2/%2e%2e/%2e%2e/other/manifests/v1", "400; default; NAME_INVALID", "archeio: leaves its prefix"),
        ("GET", "/v2/a//b/manifests/v1", "400; default; NAME_INVALID", "archeio: joined"),
        ("GET", "/v2/pause/blobs/sha256:zz", "400; default; DIGEST_INVALID", "archeio: asked of the bucket"),
        ("POST", "/v2/pause/blobs/uploads/", "405; default; UNSUPPORTED", "no writes"),
        ("PUT", "/v2/pause/manifests/v1", "405; default; UNSUPPORTED", "no writes"),
        ("PATCH", "/v2/pause/blobs/uploads/1", "405; default; UNSUPPORTED", "no writes"),
        ("DELETE", "/v2/pause/manifests/DIGEST", "405; default; UNSUPPORTED", "no writes"),
        ("OPTIONS", "/v2/pause/manifests/v1", "405; default; UNSUPPORTED", "no other methods"),
    ];
    for (method, target, expected, reason) in rows {
        let asks = Asks { method, target, ..UNKNOWN_CLIENT };
        assert_eq!(run(&asks), expected, "{method} {target}: {reason}");
    }
}

#[test]
fn blobs_come_from_the_store_of_the_region_that_has_them() {
    use Presence::{Absent, Present, Unknown};
    let ar = "307 https://ar.example/base/v2/project/images/pause/blobs/DIGEST?x=%2f";
    let east = "307 https://east.example/containers/images/DIGEST";
    let west = "307 https://west.example:8443/sha256/HEX";
    let aws = "network 192.0.2.0/24";
    #[rustfmt::skip]
    let rows = [
        ("", "", Some(Present), format!("{east}; default; blob store, redirected"), "an unknown network: the default store"),
        ("", "", Some(Absent), format!("{ar}; default; nearest, redirected"), "it lacks it"),
        ("", "", Some(Unknown), format!("{ar}; default; nearest, redirected"), "it could not be asked"),
        ("", "192.0.2.1", None, format!("ask west; {aws}; asked"), "the region of the network"),
        ("", "192.0.2.1", Some(Present), format!("{west}; {aws}; blob store, redirected"), "the region of the network"),
        ("", "::ffff:192.0.2.1", Some(Present), format!("{west}; {aws}; blob store, redirected"), "archeio: an unknown network"),
        ("", "192.0.2.65", None, format!("{ar}; {aws}; nearest, redirected"), "the longer prefix has the label; archeio: the shorter"),
        ("", "10.1.2.3", None, format!("{ar}; default; nearest, redirected"), "kept on the backend"),
        ("CN", "", None, format!("{ar}; country CN; nearest, redirected"), "a region without a store"),
        ("DE", "", Some(Present), format!("{east}; country DE; blob store, redirected"), "carried but for blobs"),
    ];
    for (country, address, in_store, expected, reason) in rows {
        let target = "/v2/pause/blobs/DIGEST?x=%2f";
        let asks = Asks { country, address, target, in_store, ..UNKNOWN_CLIENT };
        assert_eq!(run(&asks), expected, "{country} {address} {in_store:?}: {reason}");
    }
}

#[test]
fn requests_of_other_classes_are_carried() {
    #[rustfmt::skip]
    let rows = [
        ("GET", "/v2/pause/manifests/v1", "carried to ar; country DE; nearest replica"),
        ("GET", "/v2/pause/manifests/DIGEST", "carried to ar+us; country DE; nearest"),
        ("GET", "/v2/pause/tags/list?n=1", "carried to ar; country DE; nearest replica"),
        ("GET", "/v2/pause/blobs/DIGEST", "307 https://ar.example/base/v2/project/images/pause/blobs/DIGEST; country DE; nearest, redirected"),
    ];
    for (method, target, expected) in rows {
        let in_store = Some(Presence::Absent);
        let asks = Asks { country: "DE", method, target, in_store, ..UNKNOWN_CLIENT };
        assert_eq!(run(&asks), expected, "{method} {target}");
    }
}

#[test]
fn signatures_have_one_place() {
    let us = "https://us.example/v2/project/images/pause";
    #[rustfmt::skip]
    let rows = [
        ("", "/v2/pause/manifests/sha256-HEX.sig", format!("307 {us}/manifests/sha256-HEX.sig; default; for signatures, redirected")),
        ("", "/v2/pause/manifests/sha256-HEX", format!("307 {us}/manifests/sha256-HEX; default; for signatures, redirected")),
        ("", "/v2/pause/referrers/DIGEST?artifactType=x", format!("307 {us}/referrers/DIGEST?artifactType=x; default; for signatures, redirected")),
        ("DE", "/v2/pause/manifests/sha256-HEX.att", "carried to us; country DE; for signatures".to_owned()),
        ("DE", "/v2/pause/referrers/DIGEST", "carried to us; country DE; for signatures".to_owned()),
        ("DE", "/v2/pause/manifests/v1.sig", "carried to ar; country DE; nearest replica".to_owned()),
    ];
    for (country, target, expected) in rows {
        let asks = Asks { country, target, ..UNKNOWN_CLIENT };
        assert_eq!(run(&asks), expected, "{country} {target}");
    }
}

#[test]
fn pushes_are_carried_and_what_goes_before_them_is_the_owners() {
    let owned = "https://us.example/v2/project/images/owned/a";
    #[rustfmt::skip]
    let rows = [
        ("PUT", "/v2/owned/a/manifests/v1", "carried to us@owner; default; owner, for a write".to_owned()),
        ("POST", "/v2/owned/a/blobs/uploads/", "carried to us@owner; default; owner, for a write".to_owned()),
        ("GET", "/v2/owned/a/blobs/uploads/1", "carried to us@owner; default; owner, for a write".to_owned()),
        ("HEAD", "/v2/owned/a/blobs/DIGEST", format!("307 {owned}/blobs/DIGEST; default; owner, for an existence check, redirected")),
        ("HEAD", "/v2/owned/a/manifests/DIGEST", format!("307 {owned}/manifests/DIGEST; default; owner, for an existence check, redirected")),
        ("GET", "/v2/owned/a/blobs/DIGEST", "ask east; default; asked".to_owned()),
        ("GET", "/v2/owned/a/tags/list", "carried to ar; default; nearest replica".to_owned()),
    ];
    for (method, target, expected) in rows {
        let asks = Asks { method, target, ..UNKNOWN_CLIENT };
        assert_eq!(run(&asks), expected, "{method} {target}");
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
        let head = RequestHead {
            method: b"GET",
            target: target.as_bytes(),
            authority: b"registry.example",
            ..RequestHead::default()
        };
        let record = plan(&config, &head, &all_up(in_store)).record;
        assert_eq!((record.rule, record.sent_to), expected, "{target} {in_store:?}");
    }
    let other =
        RequestHead { method: b"GET", target: b"/", authority: b"x", ..RequestHead::default() };
    assert!(matches!(
        plan(&config, &other, &NONE).action,
        Action::Reply(Reply { status: 404, .. })
    ));
}

/// A front that stands for several registries redirects by the policy's name; `ns` is not the backend's.
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
        let target = target.replace("DIGEST", DIGEST);
        let head = RequestHead {
            method: b"GET",
            target: target.as_bytes(),
            authority: b"mirror.example",
            ..RequestHead::default()
        };
        let facts = Facts { in_store: Some(Presence::Present), ..NONE };
        let Action::Reply(reply) = plan(&config, &head, &facts).action else { panic!("{target}") };
        let header = |name| reply.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        assert_eq!(
            header("location"),
            Some(expected.replace("DIGEST", DIGEST).as_str()),
            "{reason}"
        );
        assert_eq!(header("oci-namespace"), namespace, "{reason}");
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
