//! Refused requests, and the error of each.

use super::super::RequestError::{
    self, DigestInvalid, MethodNotAllowed, NameInvalid, NotFound, TagInvalid, TargetInvalid,
};
use super::super::{Method, parse};
use super::expand;

fn assert_refused(cases: &[(&str, RequestError, &str)]) {
    for (target, expected, reason) in cases {
        let target = expand(target);
        let refused = parse(b"GET", target.as_bytes()).map(|_| ());
        assert_eq!(refused, Err(*expected), "{target:?}: {reason}");
    }
}

#[test]
fn the_form_of_the_target() {
    assert_refused(&[
        ("", TargetInvalid, "empty"),
        ("*", TargetInvalid, "asterisk form"),
        ("v2/", TargetInvalid, "no leading slash"),
        ("http://registry.example.com/v2/", TargetInvalid, "absolute form"),
        ("registry.example.com:443", TargetInvalid, "authority form"),
        ("//v2/", TargetInvalid, "empty segment: a host to some"),
        ("/v2//", TargetInvalid, "empty segment"),
        ("/v2//a/tags/list", TargetInvalid, "empty segment"),
        ("/v2/a//tags/list", TargetInvalid, "empty segment"),
        ("/v2/a/blobs/uploads//x", TargetInvalid, "empty segment"),
        ("/v2/a/blobs/uploads/x//", TargetInvalid, "empty segment"),
        ("/v2/./a/tags/list", TargetInvalid, "dot segment"),
        ("/v2/a/../b/tags/list", TargetInvalid, "dot segments"),
        ("/v2/a/blobs/uploads/..", TargetInvalid, "dot segments at the end"),
        ("/v2/a/blobs/uploads/../../../b/manifests/t", TargetInvalid, "traversal in a session"),
        ("/v2/a/_oci/../../b/manifests/t", TargetInvalid, "traversal in an extension"),
        ("/v2/a/manifests/.", TargetInvalid, "dot segment where a tag belongs"),
        ("/v2/%2e%2e/a/tags/list", TargetInvalid, "escaped dots"),
        ("/v2/.%2E/a/tags/list", TargetInvalid, "half escaped dots"),
        ("/v2/a/blobs/uploads/%2e%2e", TargetInvalid, "escaped dots in a session"),
        ("/v2/a%2Fb/tags/list", TargetInvalid, "escaped slash"),
        ("/v2/a%2fb/tags/list", TargetInvalid, "escaped slash, lower case"),
        ("/v2/a/blobs/uploads/x%2Fy", TargetInvalid, "escaped slash in a session"),
        ("/v2/a%5Cb/tags/list", TargetInvalid, "escaped backslash"),
        ("/v2/a\\b/tags/list", TargetInvalid, "backslash"),
        ("/v2/a/blobs/uploads/..\\x", TargetInvalid, "backslash in a session"),
        ("/v2/a%00/tags/list", TargetInvalid, "escaped NUL"),
        ("/v2/a\0/tags/list", TargetInvalid, "NUL"),
        ("/v2/a\r\nx: y/tags/list", TargetInvalid, "line end"),
        ("/v2/a%0d%0a/tags/list", TargetInvalid, "escaped line end"),
        ("/v2/a\x7f/tags/list", TargetInvalid, "delete"),
        ("/v2/a b/tags/list", TargetInvalid, "space"),
        ("/v2/é/tags/list", TargetInvalid, "not ASCII"),
        ("/v2/a%C0%AFb/tags/list", TargetInvalid, "overlong slash"),
        ("/v2/a%c0%ae%c0%ae/tags/list", TargetInvalid, "overlong dots"),
        ("/v2/%252e%252e/a/tags/list", TargetInvalid, "dots escaped twice"),
        ("/v2/a/blobs/uploads/%252e", TargetInvalid, "escaped twice in a session"),
        ("/v2/a/blobs/uploads/%6Danifests/x", TargetInvalid, "an alias of `manifests`"),
        ("/v2/a/%5Foci/x/y", TargetInvalid, "an alias of `_`"),
        ("/v2/a;b/tags/list", TargetInvalid, "path parameter"),
        ("/v2/a/blobs/uploads/..;/x", TargetInvalid, "path parameter behind dots"),
        ("/v2/a/blobs/uploads/x%3By", TargetInvalid, "escaped semicolon"),
        ("/v2/a/blobs/uploads/x%3Fy", TargetInvalid, "escaped question mark"),
        ("/v2/a/blobs/uploads/x#y", TargetInvalid, "fragment"),
        ("/v2/a/blobs/uploads/x%23y", TargetInvalid, "escaped number sign"),
        ("/v2/a/blobs/uploads/x%", TargetInvalid, "truncated escape"),
        ("/v2/a/blobs/uploads/x%2", TargetInvalid, "truncated escape"),
        ("/v2/a/blobs/uploads/x%u0041", TargetInvalid, "not an escape"),
        ("/v2/a/manifests/%zz", TargetInvalid, "not an escape"),
        ("/v2/a/manifests/<t>", TargetInvalid, "not a path byte"),
        ("/v2/?a=\n", TargetInvalid, "line end in the query"),
        ("/v2/?a=b c", TargetInvalid, "space in the query"),
        ("/v2/?é", TargetInvalid, "not ASCII in the query"),
        ("/v2/?a#b", TargetInvalid, "fragment"),
    ]);
    for bytes in [b"/v2/\xff/tags/list".as_slice(), b"/v2/?\xc0\xaf", b"\0", b"\xff"] {
        assert_eq!(parse(b"GET", bytes).map(|_| ()), Err(TargetInvalid), "{bytes:?}");
    }
}

#[test]
fn the_shape() {
    assert_refused(&[
        ("/", NotFound, "not the API"),
        ("/foo", NotFound, "not the API"),
        ("/favicon.ico", NotFound, "not the API"),
        ("/v1/search", NotFound, "another API"),
        ("/v2foo", NotFound, "not a segment of its own"),
        ("/v22/a/tags/list", NotFound, "not a segment of its own"),
        ("/V2/", NotFound, "case matters"),
        ("/x/v2/a/tags/list", NotFound, "anchored on the left"),
        ("/v2/a", NotFound, "a name and nothing else"),
        ("/v2/a/", NotFound, "a name and nothing else"),
        ("/v2/auth", NotFound, "a token endpoint of Quay, not a repository"),
        ("/v2/token", NotFound, "a token endpoint of GCR, not a repository"),
        ("/v2/tags/list", NotFound, "no name"),
        ("/v2/manifests/x", NotFound, "no name"),
        ("/v2/blobs/{D}", NotFound, "no name"),
        ("/v2/referrers/{D}", NotFound, "no name"),
        ("/v2/blobs/uploads/", NotFound, "no name"),
        ("/v2/blobs/uploads/x", NotFound, "no name"),
        ("/v2/blobs/uploads/x/y", NotFound, "no name"),
        ("/v2/a/tags", NotFound, "not all of it"),
        ("/v2/a/tags/lists", NotFound, "another word"),
        ("/v2/a/tags/list/x", NotFound, "anchored on the right"),
        ("/v2/a/Tags/list", NotFound, "case matters"),
        ("/v2/a/xtags/list", NotFound, "a whole segment"),
        ("/v2/a/manifests", NotFound, "no reference"),
        ("/v2/a/manifests/", NotFound, "no reference"),
        ("/v2/a/manifests/t/", NotFound, "slash at the end"),
        ("/v2/a/manifests/t/x", NotFound, "anchored on the right"),
        ("/v2/a/manifestsx/t", NotFound, "a whole segment"),
        ("/v2/a/blobs/{D}/", NotFound, "slash at the end"),
        ("/v2/a/blobs/", NotFound, "no digest"),
        ("/v2/a/tags/list/", NotFound, "slash at the end"),
        ("/v2/a/referrers/", NotFound, "no digest"),
        ("/v2/a/referrers/{D}/", NotFound, "slash at the end"),
        ("/v2/a/blobs/uploads/x/", NotFound, "slash at the end"),
        ("/v2/a/blobs/uploads/x/y/", NotFound, "slash at the end"),
        ("/v2/_catalog/", NotFound, "slash at the end"),
        ("/v2/_catalog/x", NotFound, "the catalogue has nothing below it"),
        ("/v2/_oci/ext/", NotFound, "slash at the end"),
        ("/v2/a/_catalog", NotFound, "the catalogue is not of a repository"),
        ("/v2/a/_x", NotFound, "one segment: mapped to `b/manifests` it would be a tag"),
        ("/v2/a_/b", NotFound, "an underscore inside a segment is no extension"),
        // Two readings, and the spec has no word on either.
        ("/v2/a/blobs/uploads/b/blobs/uploads/x/y", NotFound, "whose upload?"),
        ("/v2/a/blobs/uploads/blobs/uploads/x/y", NotFound, "whose upload?"),
        ("/v2/a/blobs/uploads/_x/y", NotFound, "an upload or an extension?"),
        ("/v2/a/blobs/uploads/b/_x/y", NotFound, "an upload or an extension?"),
        ("/v2/a/_x/blobs/uploads/y/z", NotFound, "an upload or an extension?"),
        ("/v2/a?/tags/list", NotFound, "the path ends at the question mark"),
    ]);
}

#[test]
fn the_grammar() {
    let long_name = format!("/v2/{}/tags/list", "a".repeat(256));
    let long_tag = format!("/v2/a/manifests/{}", "t".repeat(129));
    let long_digest = format!("/v2/a/blobs/x:{}", "d".repeat(254));
    assert_refused(&[
        ("/v2/A/manifests/t", NameInvalid, "upper case"),
        ("/v2/-a/tags/list", NameInvalid, "starts with a separator"),
        ("/v2/a..b/tags/list", NameInvalid, "two dots"),
        ("/v2/a:5000/tags/list", NameInvalid, "a port"),
        ("/v2/a%3Ab/tags/list", NameInvalid, "an escape"),
        ("/v2/A/_oci/ext/discover", NameInvalid, "in an extension too"),
        ("/v2/a~/blobs/uploads/x/y", NameInvalid, "in an open upload too"),
        ("/v2/_x/manifests/t", NameInvalid, "no extension: it ends like a manifest"),
        ("/v2/a/_x/blobs/uploads/y", NameInvalid, "no extension: it ends like an upload"),
        (&long_name, NameInvalid, "256 bytes"),
        ("/v2/a/manifests/.INVALID_MANIFEST_NAME", TagInvalid, "of the conformance suite"),
        ("/v2/a/manifests/-t", TagInvalid, "starts with a dash"),
        ("/v2/a/manifests/t+1", TagInvalid, "no tag byte"),
        ("/v2/a/manifests/t@x", TagInvalid, "no tag byte"),
        (&long_tag, TagInvalid, "129 bytes"),
        ("/v2/a/manifests/sha256:totallywrong", DigestInvalid, "of the conformance suite"),
        ("/v2/a/manifests/t%40", DigestInvalid, "no tag has an escape"),
        ("/v2/a/manifests/:", DigestInvalid, "only a colon"),
        ("/v2/a/blobs/t", DigestInvalid, "a tag is no digest"),
        ("/v2/a/blobs/{D}0", DigestInvalid, "65 digits"),
        ("/v2/a/blobs/Upload", DigestInvalid, "not the word for uploads"),
        ("/v2/a/blobs/_x", DigestInvalid, "no extension"),
        ("/v2/a/referrers/latest", DigestInvalid, "a tag is no digest"),
        (&long_digest, DigestInvalid, "256 bytes"),
    ]);
}

#[test]
fn precedence() {
    let reads: &[Method] = &[Method::Get, Method::Head];
    let cases: &[(&str, &str, RequestError, &str)] = &[
        ("BREW", "/foo/..", TargetInvalid, "form before shape"),
        ("BREW", "/v2/A/../manifests/.x", TargetInvalid, "form before grammar"),
        ("BREW", "/foo", NotFound, "shape before method"),
        ("BREW", "/v2/A/manifests/t/", NotFound, "shape before grammar"),
        ("BREW", "/v2/A/manifests/.x", NameInvalid, "name before reference"),
        ("POST", "/v2/a/manifests/.x", TagInvalid, "reference before method"),
        ("POST", "/v2/a/blobs/x", DigestInvalid, "digest before method"),
        ("POST", "/v2/a/tags/list", MethodNotAllowed { allow: reads }, "method last"),
        ("BREW", "/v2/", MethodNotAllowed { allow: reads }, "method last, unknown ones too"),
    ];
    for (method, target, expected, reason) in cases {
        let refused = parse(method.as_bytes(), target.as_bytes()).map(|_| ());
        assert_eq!(refused, Err(*expected), "{method} {target}: {reason}");
    }
}
