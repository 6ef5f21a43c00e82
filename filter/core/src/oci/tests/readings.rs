//! Paths, and the request that each is read as.

use super::super::{Endpoint, Method, Reference, RequestError, parse};
use super::{expand, parse_with_any_method};

/// An endpoint in a few words: class, repository and the rest.
fn describe(endpoint: &Endpoint<'_>) -> String {
    let rest = match endpoint {
        Endpoint::Ping | Endpoint::Catalog | Endpoint::Tags { .. } => "",
        Endpoint::Uploads { .. } => "start",
        Endpoint::Manifest { reference, .. } => reference.as_str(),
        Endpoint::Blob { digest, .. } | Endpoint::Referrers { digest, .. } => digest.as_str(),
        Endpoint::Upload { session: opaque, .. } | Endpoint::Extension { path: opaque, .. } => {
            str::from_utf8(opaque).unwrap()
        }
    };
    let name = endpoint.repository().map_or("-", |name| name.as_str());
    format!("{} {name} {rest}", endpoint.class().as_str()).trim_end().to_owned()
}

/// Rows of target, expected reading (none if empty) and reason.
fn assert_readings(cases: &[(&str, &str, &str)]) {
    for (target, expected, reason) in cases {
        let target = expand(target);
        let request = parse_with_any_method(target.as_bytes());
        let reading = request.map(|request| describe(&request.endpoint)).unwrap_or_default();
        assert_eq!(reading, expand(expected), "{target}: {reason}");
    }
}

#[test]
fn every_endpoint() {
    let longest_name = "a".repeat(255);
    let longest_tag = "t".repeat(128);
    let long_path = format!("/v2/{longest_name}/manifests/{longest_tag}");
    let long_reading = format!("manifest-by-tag {longest_name} {longest_tag}");
    assert_readings(&[
        ("/v2/", "ping -", "end-1"),
        ("/v2", "ping -", "answered, not redirected"),
        ("/v2/a/manifests/latest", "manifest-by-tag a latest", "end-3"),
        ("/v2/library/nginx/manifests/1.2-A", "manifest-by-tag library/nginx 1.2-A", "end-3"),
        ("/v2/a/manifests/{D}", "manifest-by-digest a {D}", "end-3"),
        ("/v2/a/manifests/{E}", "manifest-by-digest a {D}", "escaped colon"),
        ("/v2/a/manifests/sha256-00.sig", "manifest-by-tag a sha256-00.sig", "cosign"),
        ("/v2/a/manifests/_oci", "manifest-by-tag a _oci", "a tag may start with `_`"),
        ("/v2/a/manifests/uploads", "manifest-by-tag a uploads", "a tag may be any word"),
        (&long_path, &long_reading, "longest name and tag"),
        ("/v2/a/blobs/{D}", "blob a {D}", "end-2"),
        ("/v2/a/blobs/{E}", "blob a {D}", "escaped colon"),
        ("/v2/a/blobs/blake3:x", "blob a blake3:x", "unknown algorithm"),
        ("/v2/a/blobs/uploads/", "upload a start", "end-4"),
        ("/v2/a/blobs/uploads", "upload a start", "without the slash"),
        ("/v2/a/blobs/uploads/u-1_2.3~4=:@", "upload a u-1_2.3~4=:@", "end-5"),
        ("/v2/a/blobs/uploads/a%3Db%2b", "upload a a%3Db%2b", "opaque escapes"),
        ("/v2/a/blobs/uploads/{D}", "upload a {D}", "a session may look like a digest"),
        ("/v2/a/blobs/uploads/_x", "upload a _x", "a session may start with `_`"),
        ("/v2/a/blobs/uploads/x/y/z", "upload a x/y/z", "several segments"),
        ("/v2/a/blobs/uploads/blobs/x/y", "upload a blobs/x/y", "several segments"),
        ("/v2/a/tags/list", "tags a", "end-8"),
        ("/v2/a/referrers/{D}", "referrers a {D}", "end-12"),
        ("/v2/a/referrers/{E}", "referrers a {D}", "escaped colon"),
        ("/v2/_catalog", "catalog -", "reserved"),
        ("/v2/_oci/ext/discover", "extension - _oci/ext/discover", "of the registry"),
        ("/v2/a/_oci/ext/discover", "extension a _oci/ext/discover", "of a repository"),
        ("/v2/a/b/_zot/ext/search", "extension a/b _zot/ext/search", "of a repository"),
        ("/v2/a/_x/_y/z", "extension a _x/_y/z", "from the first underscore"),
        ("/v2/a/_catalog/x", "extension a _catalog/x", "not the catalogue"),
        ("/v2/_catalogue", "extension - _catalogue", "not the catalogue"),
    ]);
}

#[test]
fn repositories_named_like_the_api() {
    assert_readings(&[
        ("/v2/a/manifests/b/manifests/t", "manifest-by-tag a/manifests/b t", "from the right"),
        ("/v2/manifests/manifests/t", "manifest-by-tag manifests t", "from the right"),
        ("/v2/manifests/tags/list", "tags manifests", "from the right"),
        ("/v2/a/manifests/tags/list", "tags a/manifests", "from the right"),
        ("/v2/tags/list/tags/list", "tags tags/list", "from the right"),
        ("/v2/tags/list/manifests/t", "manifest-by-tag tags/list t", "from the right"),
        ("/v2/tags/manifests/list", "manifest-by-tag tags list", "a tag called list"),
        ("/v2/a/blobs/{D}/blobs/{D}", "", "a digest is no component"),
        ("/v2/a/tags/list/blobs/{D}", "blob a/tags/list {D}", "from the right"),
        ("/v2/v2/manifests/v2", "manifest-by-tag v2 v2", "the version is a name too"),
        ("/v2/a/blobs/uploads/manifests/x", "manifest-by-tag a/blobs/uploads x", "the spec's"),
        ("/v2/a/blobs/uploads/blobs/{D}", "blob a/blobs/uploads {D}", "the spec's"),
        ("/v2/a/blobs/uploads/tags/list", "tags a/blobs/uploads", "the spec's"),
        ("/v2/a/blobs/uploads/referrers/{D}", "referrers a/blobs/uploads {D}", "the spec's"),
        ("/v2/a/blobs/uploads/blobs/uploads/", "upload a/blobs/uploads start", "the spec's"),
        ("/v2/a/blobs/uploads/blobs/uploads", "upload a/blobs/uploads start", "the spec's"),
        ("/v2/a/blobs/uploads/blobs/uploads/s", "upload a/blobs/uploads s", "the spec's"),
        ("/v2/a/blobs/uploads/x/manifests/y", "manifest-by-tag a/blobs/uploads/x y", "the spec's"),
        ("/v2/blobs/uploads/blobs/uploads/", "upload blobs/uploads start", "the name is there"),
        ("/v2/blobs/blobs/uploads/s", "upload blobs s", "the name is there"),
        ("/v2/uploads/blobs/uploads/s/t", "upload uploads s/t", "the name is there"),
        ("/v2/blobs/uploads/_x/y", "extension blobs/uploads _x/y", "no upload without a name"),
        ("/v2/a/tags/list/_x/y", "extension a/tags/list _x/y", "no other reading"),
    ]);
}

#[test]
fn methods_of_each_endpoint() {
    let cases = [
        ("/v2/", "GET HEAD"),
        ("/v2/a/manifests/t", "GET HEAD PUT DELETE"),
        ("/v2/a/manifests/{D}", "GET HEAD PUT DELETE"),
        ("/v2/a/blobs/{D}", "GET HEAD DELETE"),
        ("/v2/a/blobs/uploads/", "POST"),
        ("/v2/a/blobs/uploads/x", "GET HEAD PATCH PUT DELETE"),
        ("/v2/a/blobs/uploads/portolan~1u~1x", "GET POST PATCH PUT DELETE"),
        ("/v2/a/tags/list", "GET HEAD"),
        ("/v2/a/referrers/{D}", "GET HEAD"),
        ("/v2/_catalog", "GET HEAD"),
        ("/v2/_oci/ext/discover", "GET HEAD POST"),
    ];
    let all =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "get", ""];
    for (target, allowed) in cases {
        let target = expand(target);
        let allowed: Vec<&str> = allowed.split(' ').collect();
        for method in all {
            match parse(method.as_bytes(), target.as_bytes()) {
                Ok(request) => {
                    assert_eq!(request.method.as_str(), method, "{target}");
                    assert!(allowed.contains(&method), "{method} {target}");
                }
                Err(error) => {
                    assert!(!allowed.contains(&method), "{method} {target}");
                    let RequestError::MethodNotAllowed { allow } = error else {
                        panic!("{method} {target}: {error:?}")
                    };
                    assert!(
                        allow
                            .iter()
                            .map(|allow| Method::as_str(*allow))
                            .eq(allowed.iter().copied())
                    );
                }
            }
        }
    }
}

#[test]
fn escaped_and_plain_digests_are_equal() {
    for target in ["/v2/a/manifests/{}", "/v2/a/blobs/{}", "/v2/a/referrers/{}"] {
        let plain = expand(&target.replace("{}", "{D}"));
        for escape in ["%3A", "%3a"] {
            let escaped = plain.replace(':', escape);
            assert_eq!(
                parse(b"GET", escaped.as_bytes()),
                parse(b"GET", plain.as_bytes()),
                "{target}"
            );
        }
    }
    let tag = parse(b"GET", b"/v2/a/manifests/t").unwrap().endpoint;
    assert!(matches!(tag, Endpoint::Manifest { reference: Reference::Tag(_), .. }));
}
