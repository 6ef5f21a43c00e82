//! Answers of upstreams, and the answers that the client gets.

use portolan_policy_builder::{Backend, Front, HOST, Policy, Rule};
use serde_json::json;

use super::*;
use crate::attempt::Asks;
use crate::config::ids::{FrontId, ListId};
use crate::policy::{FrontRealm, Naming};
use crate::token::Access;

/// A backend at `url` that knows the front's `drycc/` as `acme/`.
fn config(url: &str) -> Config {
    let backend = Backend::at(url).names("drycc/", "acme/");
    let backend = backend.with("upload_paths", json!(["/uploads/"]));
    Policy::new().backend("b", backend).read_by(Config::from_json)
}

fn receipt(class: Class, upstream_target: &str) -> Receipt {
    Receipt {
        list: ListId::new(0),
        authority: None,
        class,
        access: Access::Pull,
        writes: class == Class::Upload,
        front: FrontId::new(0),
        follows: false,
        proxy_authenticated: false,
        may_be_stale: false,
        is_marked: false,
        asks: Asks::default(),
        hides_missing: false,
        front_realm: None,
        client_name: "drycc/tool".to_owned(),
        naming: Naming::default(),
        targets: vec![upstream_target.as_bytes().to_vec()],
    }
}

/// What the client gets of one value of a header of an answer with 202: `None` if the header is
/// left out, `Err` if the answer is refused.
fn one(
    url: &str,
    header: UrlHeader,
    receipt: &Receipt,
    value: &[u8],
) -> Result<Option<String>, Misdirection> {
    let config = config(url);
    match amend(&config, receipt, None, header, Some(202), &[value]) {
        Amendment::Keep => Ok(Some(String::from_utf8(value.to_vec()).unwrap())),
        Amendment::Remove => Ok(None),
        Amendment::Refuse(misdirection) => Err(misdirection),
        Amendment::Replace(values) => {
            assert_eq!(values.len(), 1);
            Ok(Some(String::from_utf8(values[0].clone()).unwrap()))
        }
    }
}

const UPLOADS: &str = "/v2/acme/tool/blobs/uploads/";

#[test]
fn locations_of_uploads() {
    use Misdirection::{Host, Unreadable, UploadPath};
    let google = || Err(UploadPath(Some("/artifacts-uploads/".to_owned())));
    #[rustfmt::skip]
    let rows: &[(&str, Result<&str, Misdirection>, &str)] = &[
        // The backend's own URLs, in every form that registries send.
        ("https://b.example/v2/acme/tool/blobs/uploads/1?_state=a%2Fb+c==", Ok("/v2/drycc/tool/blobs/uploads/1?_state=a%2Fb+c=="), "absolute, the state byte for byte"),
        ("http://b.example/v2/acme/tool/blobs/uploads/1", Ok("/v2/drycc/tool/blobs/uploads/1"), "behind a TLS terminator"),
        ("HTTPS://B.example:443/v2/acme/tool/manifests/v1", Ok("/v2/drycc/tool/manifests/v1"), "case and port"),
        ("https://user:secret@b.example./v2/acme/tool/manifests/v1", Ok("/v2/drycc/tool/manifests/v1"), "whoever stands before the host"),
        ("/v2/acme/tool/blobs/uploads/1?_state=x", Ok("/v2/drycc/tool/blobs/uploads/1?_state=x"), "path-absolute"),
        ("//b.example/v2/acme/tool/blobs/uploads/1", Ok("/v2/drycc/tool/blobs/uploads/1"), "scheme-relative"),
        ("https:/v2/acme/tool/blobs/uploads/1", Ok("/v2/drycc/tool/blobs/uploads/1"), "no host"),
        ("1-2_=:x?y", Ok("/v2/drycc/tool/blobs/uploads/1-2_=:x?y"), "relative to the request"),
        ("../blobs/uploads/./1", Ok("/v2/drycc/tool/blobs/blobs/uploads/1"), "dot segments"),
        ("?digest=x", Ok("/v2/drycc/tool/blobs/uploads/?digest=x"), "a query only"),
        ("/v2/acme/tool/blobs/uploads/a/b%20c#d", Ok("/v2/drycc/tool/blobs/uploads/a/b%20c#d"), "opaque session, fragment kept"),
        ("/v2/acme/tool/blobs/uploads/1?a=b c\u{e9}", Ok("/v2/drycc/tool/blobs/uploads/1?a=b%20c%C3%A9"), "raw bytes in a query, as clients send them"),
        ("/v2/acme/tool/blobs/uploads/1,https://b.example/v2/acme/tool/blobs/uploads/2", Ok("/v2/drycc/tool/blobs/uploads/1"), "two in one: the host of the second is the backend's"),
        ("/v2/acme/tool/blobs/uploads/1?ns=other&_state=x&n%73=y#d", Ok("/v2/drycc/tool/blobs/uploads/1?_state=x#d"), "another registry of the front"),
        ("/v2/acme/tool/blobs/uploads/1?ns=other", Ok("/v2/drycc/tool/blobs/uploads/1"), "the same, and nothing else"),
        // Other repositories of the backend.
        ("/v2/acme/other/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000", Ok("/v2/drycc/other/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000"), "another repository, mapped back"),
        ("/v2/acme/toolbox/manifests/v1", Ok("/v2/drycc/toolbox/manifests/v1"), "a longer name is another name"),
        // Other hosts: what the client shows here it would show there.
        ("https://cdn.example/blob?X-Amz-Signature=a%2f", Err(Host), "another host"),
        ("//third.example/v2/steal/1", Err(Host), "scheme-relative"),
        ("https://b.example:8443/v2/acme/tool/", Err(Host), "another port is another host"),
        ("https://b.example@evil/v2/", Err(Host), "a host that only looks like ours"),
        ("https://b.example\\@evil/v2/", Err(Host), "a host that only looks like ours"),
        ("http://2130706433/v2/", Err(Host), "a number"),
        ("http://0x7f.1/v2/", Err(Host), "a number"),
        ("http://[::ffff:127.0.0.1]/v2/", Err(Host), "an address"),
        ("///third.example/x", Err(Host), "no host, or another"),
        ("http:///third.example/x", Err(Host), "no host, or another"),
        ("https://third.example /x", Err(Host), "a space"),
        ("https://th\u{ef}rd.example/x", Err(Host), "not ASCII"),
        ("ftp://b.example/x", Err(Host), "another scheme"),
        ("javascript:alert(1)", Err(Host), "another scheme"),
        ("file:///etc/passwd", Err(Host), "another scheme"),
        ("data:,x", Err(Host), "another scheme"),
        // Outside of the API, where the policy says so.
        ("/uploads/p/r/1?x=1", Ok("/v2/drycc/tool/blobs/uploads/portolan~1uploads~1p~1r~11?x=1"), "path-absolute"),
        ("https://b.example/uploads/p/manifests/v1", Ok("/v2/drycc/tool/blobs/uploads/portolan~1uploads~1p~1manifests~1v1"), "absolute, and looks like something else"),
        ("/uploads/../v2/other/manifests/v1", Err(UploadPath(Some("/uploads/".to_owned()))), "dots"),
        ("/uploads/%2e%2e/x", Err(UploadPath(Some("/uploads/".to_owned()))), "escaped dots"),
        ("/uploads/a%2fb", Err(UploadPath(Some("/uploads/".to_owned()))), "an escaped slash"),
        ("/uploads//x", Err(UploadPath(Some("/uploads/".to_owned()))), "an empty segment"),
        ("/uploads/", Err(UploadPath(Some("/uploads/".to_owned()))), "nothing below it"),
        ("/uploadsx/1", Err(UploadPath(Some("/uploadsx/".to_owned()))), "another word"),
        ("/artifacts-uploads/x?y=1", google(), "the policy does not say so"),
        ("https://b.example/artifacts-uploads/x", google(), "absolute"),
        ("/..//x", Err(UploadPath(None)), "nothing that could be written"),
        ("/x", Err(UploadPath(None)), "nothing below anything"),
        ("/\\third.example/x", Err(UploadPath(None)), "another host, to some"),
        // Not a URL.
        ("", Err(Unreadable), "empty"),
        ("/v2/acme/tool /x", Err(Unreadable), "a space"),
        ("/v2/acme/tool/\u{e9}", Err(Unreadable), "not ASCII"),
        ("/v2/acme/tool/\u{1}", Err(Unreadable), "a control byte"),
    ];
    for (value, expected, reason) in rows {
        let receipt = receipt(Class::Upload, UPLOADS);
        let found = one("https://b.example", UrlHeader::Location, &receipt, value.as_bytes());
        let expected = expected.clone().map(|path| Some(path.to_owned()));
        assert_eq!(found, expected, "{value}: {reason}");
    }
    let receipt = receipt(Class::Upload, UPLOADS);
    let found = one("https://b.example", UrlHeader::Location, &receipt, b"/v2/\xff\xfe");
    assert_eq!(found, Err(Unreadable), "bytes that are no text");
}

#[test]
fn an_upload_outside_of_the_api_goes_on_relative_to_itself() {
    let receipt = receipt(Class::Upload, "/uploads/p/1?x=1");
    let rows = [("2?y", "portolan~1uploads~1p~12?y"), ("?x=2", "portolan~1uploads~1p~11?x=2")];
    for (value, session) in rows {
        let found = one("https://b.example", UrlHeader::Location, &receipt, value.as_bytes());
        assert_eq!(found, Ok(Some(format!("/v2/drycc/tool/blobs/uploads/{session}"))), "{value}");
    }
}

#[test]
fn locations_of_content() {
    use Misdirection::{Path, Unreadable};
    #[rustfmt::skip]
    let rows: &[(&str, Result<&str, Misdirection>, &str)] = &[
        ("/v2/acme/tool/blobs/x", Ok("/v2/drycc/tool/blobs/x"), "the backend's own"),
        ("https://cdn.example/blob?X-Amz-Signature=a%2f", Ok("https://cdn.example/blob?X-Amz-Signature=a%2f"), "a CDN: the signature covers it"),
        ("https://cdn.example/a b\u{e9}\t?x=\u{fc} y", Ok("https://cdn.example/a b\u{e9}\t?x=\u{fc} y"), "raw bytes, which need not be understood"),
        ("https://b\u{fc}cher.example/x", Ok("https://b\u{fc}cher.example/x"), "another host, in its own letters"),
        ("https://b.example:8443/v2/acme/tool/", Ok("https://b.example:8443/v2/acme/tool/"), "another port is another host"),
        ("https://b.example@evil/v2/", Ok("https://b.example@evil/v2/"), "a host that only looks like ours"),
        ("ftp://b.example/x", Ok("ftp://b.example/x"), "another scheme"),
        ("https://u@b.example/v2/acme/tool/x", Ok("/v2/drycc/tool/x"), "its own host, whoever stands before it"),
        ("/artifacts-downloads/x?y=1", Err(Path), "a path of its own outside of the API"),
        ("https://b.example/artifacts-downloads/x?y=1", Err(Path), "absolute"),
        ("/uploads/x", Err(Path), "uploads are no place for content"),
        ("/v2/acme/tool /x", Err(Unreadable), "a space"),
        ("", Err(Unreadable), "empty"),
    ];
    for (value, expected, reason) in rows {
        let config = config("https://b.example");
        let receipt = receipt(Class::Blob, "/v2/acme/tool/blobs/y");
        let found =
            amend(&config, &receipt, None, UrlHeader::Location, Some(307), &[value.as_bytes()]);
        let expected = match expected {
            Ok(same) if same == value => Amendment::Keep,
            Ok(path) => Amendment::Replace(vec![path.as_bytes().to_vec()]),
            Err(misdirection) => Amendment::Refuse(misdirection.clone()),
        };
        assert_eq!(found, expected, "{value}: {reason}");
    }
}

#[test]
fn an_unused_header_is_no_reason_to_refuse_an_answer() {
    use UrlHeader::{Link, Location};
    #[rustfmt::skip]
    let rows = [
        (Class::Blob, Location, 307, true, "a redirect that leads nowhere"),
        (Class::Blob, Location, 300, true, "a choice"),
        (Class::Blob, Location, 304, false, "nothing new"),
        (Class::Blob, Location, 200, false, "the content is there"),
        (Class::Blob, Location, 404, false, "an error"),
        (Class::Upload, Location, 202, true, "an upload that does not go on"),
        (Class::Upload, Location, 201, true, "what was created"),
        (Class::Upload, Location, 204, true, "how far an upload is"),
        (Class::Upload, Location, 307, true, "a redirect"),
        (Class::Upload, Location, 401, false, "an error"),
        (Class::Upload, Location, 503, false, "an error"),
        (Class::Tags, Link, 200, true, "a short list that looks whole"),
        (Class::Catalog, Link, 200, true, "a short list that looks whole"),
        (Class::Referrers, Link, 206, true, "a short list that looks whole"),
        (Class::Tags, Link, 404, false, "an error"),
        (Class::Tags, Link, 304, false, "nothing new"),
    ];
    for (class, header, status, is_refused, reason) in rows {
        let config = config("https://b.example");
        let receipt = receipt(class, "/v2/x");
        let found = amend(&config, &receipt, None, header, Some(status), &[b"/outside/x"]);
        let expected = match found {
            Amendment::Refuse(_) => is_refused,
            Amendment::Remove => !is_refused,
            _ => false,
        };
        assert!(expected, "{class:?} {status} {found:?}: {reason}");
    }
}

#[test]
fn the_base_path_comes_off() {
    let outside = |path: &str| Err(Misdirection::UploadPath(Some(path.to_owned())));
    #[rustfmt::skip]
    let rows = [
        ("https://b.example/m/v2/acme/tool/x", Ok("/v2/drycc/tool/x")),
        ("/m/v2/acme/tool/x", Ok("/v2/drycc/tool/x")),
        ("/other/x", outside("/other/")),
        ("/m/other/x", outside("/m/")),
        ("/v2/acme/tool/x", outside("/v2/")),
        ("/uploads/x", Ok("/v2/drycc/tool/blobs/uploads/portolan~1uploads~1x")),
        ("/m/uploads/x", outside("/m/")),
    ];
    for (value, expected) in rows {
        let receipt = receipt(Class::Upload, "/m/v2/acme/tool/blobs/uploads/");
        let found = one("https://b.example/m", UrlHeader::Location, &receipt, value.as_bytes());
        assert_eq!(found, expected.map(|path: &str| Some(path.to_owned())), "{value}");
    }
}

#[test]
fn links() {
    const REFUSED: Result<Option<&str>, ()> = Err(());
    #[rustfmt::skip]
    let rows: &[(&str, Result<Option<&str>, ()>, &str)] = &[
        (r#"</v2/acme/tool/tags/list?n=2&last=b>; rel="next""#, Ok(Some(r#"</v2/drycc/tool/tags/list?n=2&last=b>; rel="next""#)), "Quay and distribution"),
        ("<https://b.example/v2/acme/tool/tags/list?next_page=gA%3D%3D>; rel=next", Ok(Some("</v2/drycc/tool/tags/list?next_page=gA%3D%3D>; rel=next")), "absolute, opaque, unquoted"),
        (r#"</v2/acme/tool/tags/list?ns=ghcr.io&last=b>; rel="next""#, Ok(Some(r#"</v2/drycc/tool/tags/list?last=b>; rel="next""#)), "another registry of the front"),
        ("<list?last=b>; rel=\"next\"", Ok(Some("</v2/drycc/tool/tags/list?last=b>; rel=\"next\"")), "relative"),
        ("<?last=a,b;c>;title=\"x, \\\"<y>\";rel=next , </v2/acme/tool/tags/list?z>", Ok(Some("</v2/drycc/tool/tags/list?last=a,b;c>;title=\"x, \\\"<y>\";rel=next , </v2/drycc/tool/tags/list?z>")), "commas, semicolons and brackets in odd places"),
        ("<https://docs.example/x>; rel=help", Ok(Some("<https://docs.example/x>; rel=help")), "another host"),
        (",,</v2/acme/tool/tags/list>;rel=next,,", Ok(Some(",,</v2/drycc/tool/tags/list>;rel=next,,")), "empty list items (RFC 9110 section 5.6.1)"),
        (r#"/v2/acme/tool/tags/list?n=2&last=b; rel="next""#, Ok(Some(r#"</v2/drycc/tool/tags/list?n=2&last=b>; rel="next""#)), "no brackets: read as clients do"),
        ("https://b.example/v2/acme/tool/tags/list?n=2 ;rel=next, <?z>;rel=last", Ok(Some("</v2/drycc/tool/tags/list?n=2>;rel=next, </v2/drycc/tool/tags/list?z>;rel=last")), "one without, one with"),
        ("/v2/acme/tool/tags/list?last=a,b", Ok(Some("</v2/drycc/tool/tags/list?last=a,b>")), "no brackets, no parameters, a comma"),
        ("</v2/acme/tool/tags/list?last=a b\u{e9}>;rel=next", Ok(Some("</v2/drycc/tool/tags/list?last=a%20b%C3%A9>;rel=next")), "raw bytes, as clients send them"),
        ("", Ok(None), "nothing"),
        (" , ", Ok(None), "nothing"),
        ("</v2/acme/tool/tags/list", REFUSED, "an open bracket"),
        ("</v2/acme/tool/tags/list>;rel=\"next", REFUSED, "an open quote"),
        ("/v2/acme/tool/a b;rel=next", REFUSED, "no brackets, and a space"),
        ("/a>; rel=next", REFUSED, "half a bracket"),
        ("<https://third.example/v2/a/tags/list?last=b>; rel=next", REFUSED, "the next page at another host"),
        ("<https://third.example/x>;title=\"; rel=help\"; REL = \"prev NEXT\"", REFUSED, "the same, hidden"),
        ("<https://third.example/x>", REFUSED, "the same, for clients that look no further"),
        ("https://third.example/x; rel=next", REFUSED, "the same without brackets"),
        ("</other/tags?last=b>; rel=next", REFUSED, "outside of the API"),
        ("</uploads/tags?last=b>; rel=next", REFUSED, "where uploads are"),
        ("<>; rel=next", REFUSED, "no URL"),
    ];
    for (value, expected, reason) in rows {
        for class in [Class::Tags, Class::Referrers] {
            let receipt = receipt(class, "/v2/acme/tool/tags/list?n=2");
            let found = one("https://b.example", UrlHeader::Link, &receipt, value.as_bytes());
            let expected = expected.map(|link| link.map(str::to_owned));
            assert_eq!(found, expected.map_err(|()| Misdirection::Page), "{value}: {reason}");
        }
        // Nobody follows one beside content: what cannot be told is left out, and the content
        // stays.
        for class in [Class::Blob, Class::ManifestByTag, Class::ManifestByDigest] {
            let receipt = receipt(class, "/v2/acme/tool/tags/list?n=2");
            let found = one("https://b.example", UrlHeader::Link, &receipt, value.as_bytes());
            let expected = expected.map(|link| link.map(str::to_owned));
            assert_eq!(found, Ok(expected.unwrap_or_default()), "{class:?} {value}: {reason}");
        }
    }
}

#[test]
fn of_several_locations_the_first_wins() {
    let config = config("https://b.example");
    let values: [&[u8]; 2] = [b"https://cdn.example/a", b"https://cdn.example/b"];
    let found = amend(
        &config,
        &receipt(Class::Blob, "/v2/x"),
        None,
        UrlHeader::Location,
        Some(307),
        &values,
    );
    assert_eq!(found, Amendment::Replace(vec![b"https://cdn.example/a".to_vec()]));
}

#[test]
fn every_link_line_is_rewritten() {
    let config = config("https://b.example");
    let values: [&[u8]; 2] = [b"</v2/acme/tool/a>", b"</v2/acme/tool/b>"];
    let found =
        amend(&config, &receipt(Class::Tags, "/v2/x"), None, UrlHeader::Link, Some(200), &values);
    let expected = vec![b"</v2/drycc/tool/a>".to_vec(), b"</v2/drycc/tool/b>".to_vec()];
    assert_eq!(found, Amendment::Replace(expected));
}

#[test]
fn amending_twice_changes_nothing_where_names_are_the_same() {
    let backend = Backend::at("https://b.example");
    let config = Policy::new().backend("b", backend).read_by(Config::from_json);
    let receipt = receipt(Class::Upload, UPLOADS);
    let values: [&[u8]; 1] = [b"https://b.example/v2/drycc/tool/blobs/uploads/1?s"];
    let Amendment::Replace(once) =
        amend(&config, &receipt, None, UrlHeader::Location, Some(307), &values)
    else {
        panic!("the host must come off");
    };
    let again: Vec<&[u8]> = once.iter().map(Vec::as_slice).collect();
    assert_eq!(
        amend(&config, &receipt, None, UrlHeader::Location, Some(307), &again),
        Amendment::Keep
    );
}

/// A front whose clients log in to `b`.
fn upstream_front(auth: &serde_json::Value) -> Config {
    let backend = Backend::at("https://b.example").names("drycc/", "acme/");
    Policy::new()
        .front("main", Front::at([HOST]).logins_of("b"))
        .backend("b", backend.with("auth", auth.clone()))
        .rule(Rule::all().chain(["b"]).owner("b"))
        .read_by(Config::from_json)
}

/// A kind of authentication, what was asked, the challenges of the registry, those of the front,
/// and why.
type Row<'a> = (&'a serde_json::Value, (Class, Access), &'a [&'a str], &'a [&'a str], &'a str);

#[test]
fn every_401_has_a_challenge_that_clients_know() {
    const OURS: &str = r#"Bearer realm="https://registry.example.com/portolan/token",service="registry.example.com""#;
    const BASIC: &str = r#"Basic realm="registry.example.com""#;
    const PULL: &str = r#",scope="repository:drycc/tool:pull""#;
    let (token, basic) = (json!("token"), json!("basic"));
    let own = format!("{OURS}{PULL}");
    let pushing = format!(r#"{OURS},scope="repository:drycc/tool:pull,push""#);
    let listing = format!(r#"{OURS},scope="registry:catalog:*""#);
    let upload = (Class::Upload, Access::Push);
    let read = (Class::Blob, Access::Pull);
    let list = (Class::Catalog, Access::Pull);
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
        let front_realm =
            FrontRealm::new(&config, front, &naming, b"https", b"registry.example.com");
        let receipt =
            Receipt { access: *access, front_realm, ..receipt(*class, "/v2/acme/tool/x") };
        let values: Vec<&[u8]> = sent.iter().map(|value| value.as_bytes()).collect();
        let told = match unauthorized(&config, &receipt, None, &values) {
            Amendment::Keep => sent.iter().map(|text| (*text).to_owned()).collect(),
            Amendment::Refuse(_) => panic!("a challenge leads nowhere"),
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
