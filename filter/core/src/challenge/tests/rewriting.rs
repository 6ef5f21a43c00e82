//! Challenges of upstreams, and those that clients of the front get.

use super::*;

const REALM: &str = "https://registry.example.com:8443/portolan/token";

/// The beginning of every Bearer challenge of the front.
const OURS: &str = r#"Bearer realm="https://registry.example.com:8443/portolan/token",service="registry.example.com""#;

const fn front(accepts: Accepts) -> FrontChallenge<'static> {
    FrontChallenge { realm: REALM, service: "registry.example.com", label: "Registry", accepts }
}

/// The front's `drycc/` is the backend's `acme/`.
fn name_at_front(name: &str) -> String {
    name.strip_prefix("acme/").map_or_else(|| name.to_owned(), |rest| format!("drycc/{rest}"))
}

fn told(values: &[&str], accepts: Accepts, keep_scope: bool) -> Vec<String> {
    texts(rewrite(&lines(values), &front(accepts), &|name| Some(name_at_front(name)), keep_scope))
}

/// Lines with `OURS` for the front's beginning, so that a row fits its line.
fn expand(wanted: &[&str]) -> Vec<String> {
    wanted.iter().map(|line| line.replace("OURS", OURS)).collect()
}

#[test]
fn bearer_upstreams() {
    #[rustfmt::skip]
    let rows: &[(&[&str], &[&str], &str)] = &[
        (&[r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#], &["OURS"], "realm and service are the front's, its port too"),
        (&[r#"BEARER service=gcr.io , REALM="https://gcr.io/v2/token""#], &["OURS"], "case, order, unquoted, spaces"),
        (&[r#"Bearer realm="R",scope="repository:acme/x:pull,push",service="a\"b""#], &[r#"OURS,scope="repository:drycc/x:pull,push""#], "comma and escapes in quotes"),
        (&[r#"Bearer realm="R",x="a\"b\\,c""#], &[r#"OURS,x="a\"b\\,c""#], "escaped again"),
        (&[r#"Bearer realm="R"#], &["OURS"], "no closing quote"),
        (&["Bearer realm=\"R\u{1}\",scope=\"repository:acme/x:pull\""], &["OURS"], "a control byte"),
        (&["Bearer realm=\"\u{e4}\",error=\"invalid_token\""], &["OURS"], "not ASCII"),
        (&[r#"Basic realm="B", Bearer realm="R",scope="repository:acme/x:pull""#], &[r#"OURS,scope="repository:drycc/x:pull""#], "the scheme that the upstream is not known for goes"),
        (&["Negotiate abc==", r#"Bearer realm="R""#, r#"Basic realm="B""#], &["OURS", "Negotiate abc=="], "Bearer first, others untouched"),
        (&[r#"Digest realm="d", nonce=n, Bearer realm="R",error="invalid_token", Hoba x=1"#], &[r#"OURS,error="invalid_token""#, r#"Digest realm="d", nonce=n"#, "Hoba x=1"], "one for each line"),
        (&[r#"Bearer realm="R",scope="repository:acme/x:pull registry:catalog:*  repository(plugin):acme/y:* repository:other/z:push aws openid""#], &[r#"OURS,scope="repository:drycc/x:pull registry:catalog:* repository(plugin):drycc/y:* repository:other/z:push aws openid""#], "each is mapped, the order and the rest stay"),
        (&[r#"Bearer realm="R",scope="""#], &[r#"OURS,scope="""#], "empty stays empty"),
        (&[r#"Bearer realm="R",scope="  ""#], &[r#"OURS,scope="""#], "spaces are empty"),
        (&[r#"Bearer realm="R""#], &["OURS"], "absent stays absent"),
        (&["Bearer"], &["OURS"], "nothing but the scheme"),
        (&[r#"Bearer realm="R",error="insufficient_scope",error_description="see https://b.example, \"now\"",scope="repository:acme/x:pull""#], &[r#"OURS,error="insufficient_scope",error_description="see https://b.example, \"now\"",scope="repository:drycc/x:pull""#], "verbatim, in their order"),
        (&[r#"Bearer realm="R",error="invalid_token",error_uri="/why""#], &[r#"OURS,error="invalid_token""#], "a page of the upstream"),
        (&[r#"Bearer realm="R",resource_metadata="https://b.example/m",authorization_uri=" //b.example/a",max_age=5"#], &[r#"OURS,max_age="5""#], "URLs in unknown parameters"),
        (&[], &[], "no challenge is made up"),
        (&[r#"Basic realm="B""#], &[], "nor a Bearer flow from a Basic one"),
        (&[r#"Bearer realm="/token",service="s""#], &["OURS"], "relative"),
        (&[r#"Bearer realm="https://u:p@b.example/t?x=y#z""#], &["OURS"], "credentials, query, fragment"),
        (&[r#"Bearer realm="R",scope="repository:acme/x:pull""#, r#"Bearer realm="S",scope="repository:acme/y:pull""#], &[r#"OURS,scope="repository:drycc/x:pull""#, r#"OURS,scope="repository:drycc/y:pull""#], "two challenges"),
        (&[r#"Bearer realm="R""#, r#"Bearer realm="S""#], &["OURS"], "two that have become one"),
        (&[r#"Bearer realm="R", Realm="S",scope="repository:acme/x:pull""#], &["OURS"], "unreadable: a parameter twice"),
    ];
    for (values, wanted, reason) in rows {
        assert_eq!(told(values, Accepts::Bearer, true), expand(wanted), "{reason}: {values:?}");
    }
}

#[test]
fn placeholder_scopes_of_the_ping() {
    #[rustfmt::skip]
    let rows: &[(&[&str], &[&str], &str)] = &[
        (&[r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#], &["OURS"], "GHCR"),
        (&[r#"Bearer realm="R",scope="""#], &["OURS"], "an empty one"),
        (&[r#"Bearer realm="R",SCOPE="x y",error="invalid_token""#], &[r#"OURS,error="invalid_token""#], "only the scope"),
    ];
    for (values, wanted, reason) in rows {
        assert_eq!(told(values, Accepts::Bearer, false), expand(wanted), "{reason}: {values:?}");
    }
}

#[test]
fn basic_upstreams() {
    #[rustfmt::skip]
    let rows: &[(&[&str], &[&str], &str)] = &[
        (&[r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#], &[r#"Basic realm="Registry""#], "a label that names the upstream"),
        (&[r#"basic realm="Registry Realm""#], &[r#"Basic realm="Registry""#], "free text"),
        (&["Basic"], &[r#"Basic realm="Registry""#], "no realm"),
        (&[r#"Basic realm="x", charset=utf-8"#], &[r#"Basic realm="Registry",charset="UTF-8""#], "the charset stays"),
        (&[r#"Basic realm="x", charset="b.example""#], &[r#"Basic realm="Registry""#], "there is only one charset"),
        (&[r#"Bearer realm="R""#], &[], "a Bearer challenge is not converted"),
        (&[r#"Negotiate, Basic realm="a", Bearer realm="R", Basic realm="b""#], &[r#"Basic realm="Registry""#, "Negotiate"], "Basic before others, once"),
        (&["Basic realm=\""], &[r#"Basic realm="Registry""#], "unreadable"),
        (&[], &[], "none is made up"),
    ];
    for (values, wanted, reason) in rows {
        assert_eq!(told(values, Accepts::Basic, true), *wanted, "{reason}: {values:?}");
    }
}

#[test]
fn upstreams_that_need_nothing() {
    #[rustfmt::skip]
    let rows: &[(&[&str], &[&str], &str)] = &[
        (&[r#"Bearer realm="R", Basic realm="B""#], &[], "nobody could answer these"),
        (&["Negotiate abc==", r#"Bearer realm="R""#], &["Negotiate abc=="], "others pass"),
        (&["Bearer realm=\""], &[], "unreadable: there is no challenge to put in its place"),
    ];
    for (values, wanted, reason) in rows {
        assert_eq!(told(values, Accepts::Nothing, true), *wanted, "{reason}: {values:?}");
    }
}

#[test]
fn too_much_is_replaced() {
    let challenge = |scope: &str| format!(r#"Bearer realm="R",error="e",scope="{scope}""#);
    let scopes = |count: usize| "repository:acme/x:pull ".repeat(count);
    let kept = told(&[&challenge(&scopes(100))], Accepts::Bearer, true);
    assert!(kept[0].ends_with(" repository:drycc/x:pull\""), "100 scopes");
    let rows = [
        (challenge(&scopes(101)), "101 scopes"),
        (
            challenge(&format!("repository:acme/{}:pull", "x".repeat(1024))),
            "a scope of more than 1 KiB",
        ),
        (challenge(&"a".repeat(8 * 1024)), "a header of more than 8 KiB"),
        ("Bearer realm=R,".repeat(33), "33 challenges"),
        (
            format!("Bearer {}", (0..64).fold(String::new(), |all, n| all + &format!("p{n}=x,"))),
            "no room beside 64 parameters",
        ),
    ];
    for (value, reason) in rows {
        assert_eq!(told(&[&value], Accepts::Bearer, true), [OURS], "{reason}");
    }
    assert_eq!(
        told(&[&challenge(&scopes(101))], Accepts::Bearer, false),
        [format!(r#"{OURS},error="e""#)],
        "a scope that is dropped anyway may have any length"
    );
}

#[test]
fn the_fronts_own_challenge() {
    let own = |accepts| bare(&front(accepts)).map(|value| String::from_utf8(value).unwrap());
    assert_eq!(own(Accepts::Bearer).as_deref(), Some(OURS));
    assert_eq!(own(Accepts::Basic).as_deref(), Some(r#"Basic realm="Registry""#));
    assert_eq!(own(Accepts::Nothing), None);
}
