//! Rows of what upstreams send and what the client gets.

use super::*;

/// A backend at `url` that knows the front's `drycc/` as `acme/`.
fn config(url: &str) -> Config {
    let policy = serde_json::json!({
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.example.com"]}},
        "backends": {"b": {"url": url, "names": [{"front": "drycc/", "backend": "acme/"}]}},
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}}],
    });
    Config::from_json(policy.to_string().as_bytes()).unwrap()
}

fn receipt(class: Class, upstream_target: &str) -> Receipt {
    Receipt {
        list: ListId::new(0),
        authority: None,
        class,
        access: Access::Pull,
        follows: false,
        answers_noted: false,
        proxys_credentials: false,
        hides_missing: false,
        origin: None,
        client_name: "drycc/tool".to_owned(),
        naming: Naming::default(),
        targets: vec![upstream_target.as_bytes().to_vec()],
    }
}

fn one(url: &str, header: UrlHeader, target: &str, value: &[u8]) -> Option<String> {
    let config = config(url);
    match amend(&config, &receipt(Class::Upload, target), None, header, &[value]) {
        Amendment::Keep => Some(String::from_utf8(value.to_vec()).unwrap()),
        Amendment::Remove => None,
        Amendment::Replace(values) => {
            assert_eq!(values.len(), 1);
            Some(String::from_utf8(values[0].clone()).unwrap())
        }
    }
}

const UPLOADS: &str = "/v2/acme/tool/blobs/uploads/";

#[test]
fn locations() {
    #[rustfmt::skip]
    let rows: &[(&str, Option<&str>, &str)] = &[
        // The backend's own URLs, in every form that registries send.
        ("https://b.example/v2/acme/tool/blobs/uploads/1?_state=a%2Fb+c==", Some("/v2/drycc/tool/blobs/uploads/1?_state=a%2Fb+c=="), "absolute, the state byte for byte"),
        ("http://b.example/v2/acme/tool/blobs/uploads/1", Some("/v2/drycc/tool/blobs/uploads/1"), "behind a TLS terminator"),
        ("HTTPS://B.example:443/v2/acme/tool/manifests/v1", Some("/v2/drycc/tool/manifests/v1"), "case and port"),
        ("/v2/acme/tool/blobs/uploads/1?_state=x", Some("/v2/drycc/tool/blobs/uploads/1?_state=x"), "path-absolute"),
        ("//b.example/v2/acme/tool/blobs/uploads/1", Some("/v2/drycc/tool/blobs/uploads/1"), "scheme-relative"),
        ("1-2_=:x?y", Some("/v2/drycc/tool/blobs/uploads/1-2_=:x?y"), "relative to the request"),
        ("../blobs/uploads/./1", Some("/v2/drycc/tool/blobs/blobs/uploads/1"), "dot segments"),
        ("?digest=x", Some("/v2/drycc/tool/blobs/uploads/?digest=x"), "a query only"),
        ("/v2/acme/tool/blobs/uploads/a/b%20c#d", Some("/v2/drycc/tool/blobs/uploads/a/b%20c#d"), "opaque session, fragment kept"),
        // Other repositories of the backend.
        ("/v2/acme/other/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000", Some("/v2/drycc/other/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000"), "another repository, mapped back"),
        ("/v2/acme/toolbox/manifests/v1", Some("/v2/drycc/toolbox/manifests/v1"), "a longer name is another name"),
        // Other hosts.
        ("https://cdn.example/blob?X-Amz-Signature=a%2f", Some("https://cdn.example/blob?X-Amz-Signature=a%2f"), "a CDN: the signature covers it"),
        ("https://b.example:8443/v2/acme/tool/", Some("https://b.example:8443/v2/acme/tool/"), "another port is another host"),
        ("https://b.example@evil/v2/", Some("https://b.example@evil/v2/"), "a host that only looks like ours"),
        ("ftp://b.example/x", Some("ftp://b.example/x"), "another scheme"),
        // Outside of the API.
        ("/artifacts-downloads/x?y=1", Some("https://b.example/artifacts-downloads/x?y=1"), "not a path of the API: named in full"),
        // Not a URL.
        ("", None, "empty"),
        ("/v2/acme/tool /x", None, "a space"),
        ("/v2/acme/tool/\u{e9}", None, "not ASCII"),
    ];
    for (value, expected, reason) in rows {
        let found = one("https://b.example", UrlHeader::Location, UPLOADS, value.as_bytes());
        assert_eq!(found.as_deref(), *expected, "{value}: {reason}");
    }
    let found = one("https://b.example", UrlHeader::Location, UPLOADS, b"/v2/\xff\xfe");
    assert_eq!(found, None, "bytes that are no text");
}

#[test]
fn the_base_path_comes_off() {
    #[rustfmt::skip]
    let rows = [
        ("https://b.example/m/v2/acme/tool/x", "/v2/drycc/tool/x"),
        ("/m/v2/acme/tool/x", "/v2/drycc/tool/x"),
        ("/other/x", "https://b.example/other/x"),
    ];
    for (value, expected) in rows {
        let target = "/m/v2/acme/tool/blobs/uploads/";
        let found = one("https://b.example/m", UrlHeader::Location, target, value.as_bytes());
        assert_eq!(found.as_deref(), Some(expected), "{value}");
    }
}

#[test]
fn links() {
    let target = "/v2/acme/tool/tags/list?n=2";
    #[rustfmt::skip]
    let rows: &[(&str, Option<&str>, &str)] = &[
        (r#"</v2/acme/tool/tags/list?n=2&last=b>; rel="next""#, Some(r#"</v2/drycc/tool/tags/list?n=2&last=b>; rel="next""#), "Quay and distribution"),
        ("<https://b.example/v2/acme/tool/tags/list?next_page=gA%3D%3D>; rel=next", Some("</v2/drycc/tool/tags/list?next_page=gA%3D%3D>; rel=next"), "absolute, opaque, unquoted"),
        ("<list?last=b>; rel=\"next\"", Some("</v2/drycc/tool/tags/list?last=b>; rel=\"next\""), "relative"),
        ("<?last=a,b;c>;title=\"x, \\\"<y>\";rel=next , </v2/acme/tool/tags/list?z>", Some("</v2/drycc/tool/tags/list?last=a,b;c>;title=\"x, \\\"<y>\";rel=next , </v2/drycc/tool/tags/list?z>"), "commas, semicolons and brackets in odd places"),
        ("<https://docs.example/x>; rel=help", Some("<https://docs.example/x>; rel=help"), "another host"),
        (",,</v2/acme/tool/tags/list>;rel=next,,", Some(",,</v2/drycc/tool/tags/list>;rel=next,,"), "empty list items (RFC 9110 section 5.6.1)"),
        ("/v2/acme/tool/tags/list?n=2", None, "no brackets"),
        ("</v2/acme/tool/tags/list", None, "an open bracket"),
        ("</v2/acme/tool/tags/list>;rel=\"next", None, "an open quote"),
        ("", None, "nothing"),
    ];
    for (value, expected, reason) in rows {
        let found = one("https://b.example", UrlHeader::Link, target, value.as_bytes());
        assert_eq!(found.as_deref(), *expected, "{value}: {reason}");
    }
}

#[test]
fn of_several_locations_the_first_wins() {
    let config = config("https://b.example");
    let values: [&[u8]; 2] = [b"https://cdn.example/a", b"https://cdn.example/b"];
    let found = amend(&config, &receipt(Class::Blob, "/v2/x"), None, UrlHeader::Location, &values);
    assert_eq!(found, Amendment::Replace(vec![b"https://cdn.example/a".to_vec()]));
}

#[test]
fn every_link_line_is_rewritten() {
    let config = config("https://b.example");
    let values: [&[u8]; 2] = [b"</v2/acme/tool/a>", b"</v2/acme/tool/b>"];
    let found = amend(&config, &receipt(Class::Tags, "/v2/x"), None, UrlHeader::Link, &values);
    let expected = vec![b"</v2/drycc/tool/a>".to_vec(), b"</v2/drycc/tool/b>".to_vec()];
    assert_eq!(found, Amendment::Replace(expected));
}

#[test]
fn amending_twice_changes_nothing_where_names_are_the_same() {
    let policy = serde_json::json!({
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.example.com"]}},
        "backends": {"b": {"url": "https://b.example"}},
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}}],
    });
    let config = Config::from_json(policy.to_string().as_bytes()).unwrap();
    let receipt = receipt(Class::Upload, UPLOADS);
    let values: [&[u8]; 1] = [b"https://b.example/v2/drycc/tool/blobs/uploads/1?s"];
    let Amendment::Replace(once) = amend(&config, &receipt, None, UrlHeader::Location, &values)
    else {
        panic!("the host must come off");
    };
    let again: Vec<&[u8]> = once.iter().map(Vec::as_slice).collect();
    assert_eq!(amend(&config, &receipt, None, UrlHeader::Location, &again), Amendment::Keep);
}

/// A front whose clients log in to `b`.
fn upstream_front(auth: &serde_json::Value) -> Config {
    let policy = serde_json::json!({
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.example.com"], "auth": {"upstream": {"login": "b"}}}},
        "backends": {
            "b": {
                "url": "https://b.example",
                "auth": auth,
                "names": [{"front": "drycc/", "backend": "acme/"}],
            },
        },
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}, "owner": "b"}],
    });
    Config::from_json(policy.to_string().as_bytes()).unwrap()
}

#[test]
fn every_401_has_a_challenge_that_clients_know() {
    const OURS: &str = r#"Bearer realm="https://registry.example.com/portolan/token",service="registry.example.com""#;
    const BASIC: &str = r#"Basic realm="registry.example.com""#;
    const PULL: &str = r#",scope="repository:drycc/tool:pull""#;
    let (token, basic) = (serde_json::json!("token"), serde_json::json!("basic"));
    let own = format!("{OURS}{PULL}");
    let pushing = format!(r#"{OURS},scope="repository:drycc/tool:pull,push""#);
    let listing = format!(r#"{OURS},scope="registry:catalog:*""#);
    let upload = (Class::Upload, Access::Push);
    let read = (Class::Blob, Access::Pull);
    let list = (Class::Catalog, Access::Pull);
    type Row<'a> = (&'a serde_json::Value, (Class, Access), &'a [&'a str], &'a [&'a str], &'a str);
    #[rustfmt::skip]
    let rows: &[Row<'_>] = &[
        (&token, read, &[r#"Basic realm="harbor""#], &[&own], "Harbor"),
        (&token, read, &[], &[&own], "nothing at all"),
        (&token, read, &["Negotiate"], &[&own, "Negotiate"], "another scheme alone"),
        (&token, read, &["Digest realm=\"x\""], &[&own, "Digest realm=\"x\""], "another scheme alone"),
        (&token, read, &["Bearer realm=\""], &[OURS], "what cannot be read"),
        (&token, read, &[r#"Bearer realm="R",scope="repository:acme/tool:pull""#], &[&own], "its own"),
        (&token, read, &[r#"Bearer realm="R""#], &[OURS], "its own, and no scope is made up"),
        (&token, upload, &[], &[&pushing], "a write"),
        (&token, list, &[], &[&listing], "the catalogue"),
        (&basic, read, &[], &[BASIC], "nothing at all"),
        (&basic, read, &[r#"Bearer realm="R""#], &[BASIC], "another kind"),
        (&basic, read, &["Negotiate"], &[BASIC, "Negotiate"], "another scheme alone"),
        (&basic, read, &[r#"Basic realm="x""#], &[BASIC], "its own"),
    ];
    for (auth, (class, access), sent, expected, reason) in rows {
        let config = upstream_front(auth);
        let front = config.fronts().find(b"registry.example.com").unwrap();
        let naming = Naming::default();
        let origin = Origin::new(&config, front, &naming, b"https", b"registry.example.com");
        let receipt = Receipt { access: *access, origin, ..receipt(*class, "/v2/acme/tool/x") };
        let values: Vec<&[u8]> = sent.iter().map(|value| value.as_bytes()).collect();
        let told = match unauthorized(&config, &receipt, None, &values) {
            Amendment::Keep => sent.iter().map(|text| (*text).to_owned()).collect(),
            Amendment::Remove => Vec::new(),
            Amendment::Replace(told) => {
                told.into_iter().map(|value| String::from_utf8(value).unwrap()).collect::<Vec<_>>()
            }
        };
        assert_eq!(told, *expected, "{auth} {sent:?}: {reason}");
    }
    let managed = receipt(Class::Blob, "/v2/acme/tool/x");
    let told = unauthorized(&config("https://b.example"), &managed, None, &[b"Basic realm=\"x\""]);
    assert_eq!(told, Amendment::Remove, "where nobody logs in there is nothing to answer");
}
