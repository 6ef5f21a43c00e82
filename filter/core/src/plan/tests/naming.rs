//! Plans of requests to a front that stands for several registries.

use super::scenario::TokenQuestion;
use super::*;
use crate::reply::Misdirection;
use crate::response::{self, Amendment, UrlHeader};

/// `hub` and `ghcr` mint tokens, each its own; `cache` wants nothing and has copies of all Docker
/// Hub under a prefix of its own.
const POLICY: &str = r#"{
    "version": 1,
    "fronts": {
        "mirror": {
            "hosts": ["mirror.example"],
            "auth": {"upstream": {"login": "hub"}},
            "upstreams": {
                "docker.io": {"library": true, "hosts": ["docker.mirror.example"],
                              "ns": ["docker.io", "index.docker.io"]},
                "ghcr.io": {"hosts": ["ghcr.mirror.example"]}
            },
            "default_upstream": "docker.io"
        },
        "strict": {"hosts": ["strict.example"], "auth": {"upstream": {"login": "hub"}}, "upstreams": {"docker.io": {}, "ghcr.io": {}}}
    },
    "backends": {
        "hub": {"url": "https://registry-1.docker.io",
                "auth": {"token": {"realm": "https://auth.docker.io/token", "service": "registry.docker.io"}},
                "names": [{"front": "docker.io/", "backend": ""}]},
        "cache": {"url": "http://cache.internal:5000/base",
                  "names": [{"front": "docker.io/", "backend": "proxy/"}]},
        "ghcr": {"url": "https://ghcr.io", "auth": "token",
                 "names": [{"front": "ghcr.io/", "backend": ""}]}
    },
    "regions": {"default": {}},
    "rules": [
        {"name": "own", "repositories": ["docker.io/acme/**", "docker.io/library/**"],
         "chains": {"default": ["hub"]}, "owner": "hub", "read_your_writes": "60s"},
        {"name": "hub", "repositories": ["docker.io/**"], "chains": {"default": ["cache", "hub"]}},
        {"name": "ghcr", "repositories": ["ghcr.io/team/**"], "owner": "ghcr",
         "chains": {"default": ["ghcr"]}}
    ]
}"#;

fn config() -> Config {
    Config::from_json(POLICY.as_bytes()).unwrap()
}

const NOT_PUSHED: Facts<'static> = Facts { recently_pushed: Some(false), ..NONE };

fn head<'a>(host: &'a str, method: &'a str, target: &'a str) -> RequestHead<'a> {
    RequestHead { scheme: b"https", ..request(method, host, target) }
}

fn forwarding<'c>(config: &'c Config, host: &str, method: &str, target: &str) -> Forwarding<'c> {
    match plan(config, &head(host, method, target), &NOT_PUSHED).action {
        Action::Forward(forwarding) => *forwarding,
        other => panic!("{host} {method} {target}: {other:?}"),
    }
}

fn planned(host: &str, method: &str, target: &str) -> Outcome {
    let config = config();
    Outcome::of(
        &config,
        plan(&config, &head(host, method, &with_digest(target)), &NOT_PUSHED).action,
    )
}

#[test]
fn one_repository_however_it_is_named() {
    let at_hub = |path: &str| forwarded("hub", [&*format!("/v2/library/nginx/{path}")]);
    let nginx = || at_hub("manifests/v1");
    let to_ghcr = |path: &str| forwarded("ghcr@owner", [&*format!("/v2/team/app/{path}")]);
    let each = ["/base/v2/proxy/a/b/blobs/DIGEST", "/v2/a/b/blobs/DIGEST"];
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "GET", "/v2/nginx/manifests/v1", nginx(), "by nothing"),
        ("mirror.example", "GET", "/v2/library/nginx/manifests/v1", nginx(), "by nothing, with library/"),
        ("mirror.example", "GET", "/v2/docker.io/nginx/manifests/v1", nginx(), "by path"),
        ("mirror.example", "GET", "/v2/docker.io/library/nginx/manifests/v1?ns=docker.io", nginx(), "by path and ns"),
        ("mirror.example", "GET", "/v2/library/nginx/manifests/v1?ns=index.docker.io", nginx(), "by ns"),
        ("docker.mirror.example", "GET", "/v2/nginx/manifests/v1?ns=docker.io", nginx(), "by host"),
        ("docker.mirror.example", "GET", "/v2/nginx/manifests/v1?", at_hub("manifests/v1?"), "an empty query stays"),
        ("mirror.example", "GET", "/v2/nginx/tags/list?n=5&ns=docker.io&last=a%2Fb+c&&", at_hub("tags/list?n=5&last=a%2Fb+c&&"), "every byte but ns"),
        ("mirror.example", "GET", "/v2/nginx/tags/list?%6Es=docker.io", at_hub("tags/list"), "ns in disguise"),
        ("docker.mirror.example", "GET", "/v2/nginx/tags/list?ns=evil.example&n=5", at_hub("tags/list?n=5"), "ns is for no backend, whatever it says"),
        ("mirror.example", "GET", "/v2/a/b/blobs/DIGEST?ns=docker.io", forwarded("cache+hub", each), "each backend by its own name"),
        ("ghcr.mirror.example", "GET", "/v2/team/app/manifests/v1", forwarded("ghcr", ["/v2/team/app/manifests/v1"]), "another registry"),
        ("mirror.example", "PUT", "/v2/ghcr.io/team/app/manifests/v1", to_ghcr("manifests/v1"), "writes too"),
        ("mirror.example", "PUT", "/v2/team/app/blobs/uploads/1?ns=ghcr.io&_state=a%2Fb==&digest=DIGEST", to_ghcr("blobs/uploads/1?_state=a%2Fb==&digest=DIGEST"), "and the state of uploads"),
    ];
    for (host, method, target, expected, reason) in rows {
        assert_eq!(planned(host, method, target), expected, "{host} {target}: {reason}");
    }
}

#[test]
fn mounts_know_the_source_by_the_clients_name() {
    let start = |host, name, from: &str| {
        let target = format!("/v2/{name}/blobs/uploads/?mount=DIGEST&from={from}&x=%20");
        let config = config();
        let target = with_digest(&target);
        let [sent] = &*targets(&forwarding(&config, host, "POST", &target)) else {
            panic!("a write goes to one backend")
        };
        sent.split_once('?').unwrap().1.to_owned()
    };
    let dropped = "x=%20".to_owned();
    let from = |name: &str| format!("mount=DIGEST&from={name}&x=%20");
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "acme/app", "acme%2Fbase", from("acme%2Fbase"), "the same registry"),
        ("mirror.example", "acme/app", "nginx", from("library%2Fnginx"), "with library/"),
        ("mirror.example", "docker.io/acme/app", "docker.io/acme/base", from("acme%2Fbase"), "both by path"),
        ("mirror.example", "docker.io/acme/app", "acme/base", from("acme%2Fbase"), "one by path, one by nothing"),
        ("mirror.example", "acme/app", "ghcr.io/team/base", dropped.clone(), "another registry's owner cannot see it"),
        ("docker.mirror.example", "acme/app", "acme/base", from("acme%2Fbase"), "by host"),
        ("ghcr.mirror.example", "team/app", "team/base", from("team%2Fbase"), "by host"),
        ("ghcr.mirror.example", "team/app", "acme/base", dropped.clone(), "no rule has it in that registry"),
        ("strict.example", "ghcr.io/team/app", "team/base", dropped, "of no registry"),
    ];
    for (host, name, source, expected, reason) in rows {
        assert_eq!(start(host, name, source), expected, "{host} {name} from {source}: {reason}");
    }
}

/// What becomes of one value of a header, as the first backend of the list wrote it.
fn amended(host: &str, target: &str, header: UrlHeader, value: &str) -> Amendment {
    let config = config();
    let receipt = forwarding(&config, host, "GET", &with_digest(target)).receipt;
    let answered = config.list(receipt.list).unwrap().backends()[0];
    let answered = config.backend(answered).map(|backend| backend.name().as_bytes());
    let value = with_digest(value);
    let status = Some(if header == UrlHeader::Location { 307 } else { 200 });
    response::amend(&config, &receipt, answered, header, status, &[value.as_bytes()])
}

/// The value that a client gets instead.
fn replaced(value: &str) -> Amendment {
    Amendment::Replace(vec![with_digest(value).into_bytes()])
}

#[test]
fn urls_keep_the_clients_names() {
    use UrlHeader::{Link, Location};
    #[rustfmt::skip]
    let rows = [
        (Location, "mirror.example", "/v2/nginx/manifests/v1", "/v2/library/nginx/manifests/DIGEST?x=%2f", replaced("/v2/nginx/manifests/DIGEST?x=%2f"), "without library/, as it came"),
        (Location, "mirror.example", "/v2/library/nginx/manifests/v1", "/v2/library/nginx/manifests/DIGEST", Amendment::Keep, "with it"),
        (Location, "mirror.example", "/v2/docker.io/nginx/manifests/v1", "/v2/library/nginx/manifests/DIGEST", replaced("/v2/docker.io/nginx/manifests/DIGEST"), "with the prefix"),
        (Location, "mirror.example", "/v2/nginx/manifests/v1?ns=index.docker.io", "https://registry-1.docker.io/v2/library/nginx/x", replaced("/v2/nginx/x?ns=index.docker.io"), "ns again: whoever follows would not send it"),
        (Location, "mirror.example", "/v2/nginx/manifests/v1?ns=docker.io", "/v2/library/nginx/x?_state=a%2Fb+c==#d?e", replaced("/v2/nginx/x?_state=a%2Fb+c==&ns=docker.io#d?e"), "behind the registry's own query"),
        (Location, "docker.mirror.example", "/v2/nginx/manifests/v1?ns=docker.io", "/v2/library/nginx/x", replaced("/v2/nginx/x"), "the host says it again by itself"),
        (Location, "mirror.example", "/v2/a/b/manifests/v1?ns=docker.io", "https://cdn.example/x?sig=%2f", Amendment::Keep, "another host's URL is signed"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/proxy/a/b/blobs/DIGEST", replaced("/v2/a/b/blobs/DIGEST"), "base path and prefix of the backend"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/proxy/library/c/blobs/DIGEST", replaced("/v2/library/c/blobs/DIGEST"), "another repository, as this client writes"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/proxy/c/blobs/DIGEST", Amendment::Refuse(Misdirection::Name), "one that no client can name"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/other/c/blobs/DIGEST", Amendment::Refuse(Misdirection::Name), "one of no upstream"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/ui", Amendment::Refuse(Misdirection::Path), "no path of the API"),
        (Link, "mirror.example", "/v2/nginx/tags/list?n=2&ns=docker.io", "</v2/library/nginx/tags/list?n=2&last=b>; rel=\"next\"", replaced("</v2/nginx/tags/list?n=2&last=b&ns=docker.io>; rel=\"next\""), "the next page is of the same registry"),
        (Link, "mirror.example", "/v2/docker.io/nginx/tags/list", "<list?last=b>; rel=next", replaced("</v2/docker.io/nginx/tags/list?last=b>; rel=next"), "relative"),
    ];
    for (header, host, target, value, expected, reason) in rows {
        assert_eq!(amended(host, target, header, value), expected, "{host} {target}: {reason}");
    }
}

#[test]
fn challenges_keep_the_clients_names_and_say_the_registry() {
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "/v2/nginx/manifests/v1", "library/nginx", "mirror.example/portolan/token", "nginx", "the default"),
        ("mirror.example", "/v2/library/nginx/manifests/v1", "library/nginx", "mirror.example/portolan/token", "library/nginx", "with library/"),
        ("mirror.example", "/v2/docker.io/nginx/manifests/v1", "library/nginx", "mirror.example/portolan/token", "docker.io/nginx", "by path"),
        ("docker.mirror.example", "/v2/nginx/manifests/v1", "library/nginx", "docker.mirror.example/portolan/token", "nginx", "by host"),
        ("mirror.example", "/v2/nginx/manifests/v1?ns=index.docker.io", "library/nginx", "mirror.example/portolan/token/docker.io", "nginx", "by ns: a scope cannot say it"),
        ("mirror.example", "/v2/ghcr.io/team/a/manifests/v1?ns=ghcr.io", "team/a", "mirror.example/portolan/token/ghcr.io", "ghcr.io/team/a", "by ns and path"),
    ];
    for (host, target, name, realm, scope, reason) in rows {
        let challenge =
            format!(r#"Bearer realm="https://x.example/",scope="repository:{name}:pull""#);
        let expected = format!(
            r#"Bearer realm="https://{realm}",service="mirror.example",scope="repository:{scope}:pull""#
        );
        let found = amended(host, target, UrlHeader::Challenge, &challenge);
        assert_eq!(found, replaced(&expected), "{reason}");
    }
    let other = r#"Bearer realm="x",scope="repository:a/b:pull repository:c:pull openid""#;
    let found = amended("mirror.example", "/v2/a/b/manifests/v1", UrlHeader::Challenge, other);
    assert_eq!(found, Amendment::Remove, "the cache has no token service");
    let found = amended("mirror.example", "/v2/acme/b/manifests/v1", UrlHeader::Challenge, other);
    let realm = r#"realm="https://mirror.example/portolan/token",service="mirror.example""#;
    let scope = r#"scope="repository:a/b:pull openid""#;
    let expected = replaced(&format!("Bearer {realm},{scope}"));
    assert_eq!(found, expected, "without the scope of a repository that has no name here");
}

/// An answer of the proxy's own: what a client of several registries looks at.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    code: &'static str,
    /// `OCI-Namespace`.
    namespace: Option<&'static str>,
    /// The host and path of the token endpoint in the challenge, and the service.
    login: Option<(&'static str, &'static str)>,
}

const UNKNOWN: Answer = Answer { status: 404, code: "NAME_UNKNOWN", namespace: None, login: None };

/// The challenge of a ping.
const fn challenge(realm: &'static str, service: &'static str) -> Answer {
    let login = Some((realm, service));
    Answer { status: 401, code: "UNAUTHORIZED", namespace: None, login }
}

#[test]
fn unknown_registries_get_an_error_after_which_clients_ask_elsewhere() {
    let mirror = "mirror.example";
    let ns = challenge("mirror.example/portolan/token/ghcr.io", mirror);
    let invalid = Answer { status: 400, code: "NAME_INVALID", ..UNKNOWN };
    let no_catalog = Answer { code: "UNSUPPORTED", namespace: Some("docker.io"), ..UNKNOWN };
    #[rustfmt::skip]
    let rows = [
        (mirror, "/v2/", challenge("mirror.example/portolan/token", mirror), "a ping, as ever"),
        ("ghcr.mirror.example", "/v2/", challenge("ghcr.mirror.example/portolan/token", mirror), "the realm is where the client asked"),
        (mirror, "/v2/?ns=GHCR.io", Answer { namespace: Some("ghcr.io"), ..ns }, "the realm says what ns said"),
        (mirror, "/v2/?ns=evil.example", UNKNOWN, "no mirror of that"),
        (mirror, "/v2/a/b/manifests/v1?ns=evil.example", UNKNOWN, "containerd goes on to the registry itself"),
        (mirror, "/v2/a/b/manifests/v1?ns=169.254.169.254", UNKNOWN, "nothing is dialled"),
        (mirror, "/v2/a/b/manifests/v1?ns=docker.io&ns=ghcr.io", invalid, "two meanings"),
        (mirror, "/v2/other/b/manifests/v1?ns=ghcr.io", Answer { namespace: Some("ghcr.io"), ..UNKNOWN }, "no rule, of a registry that is known"),
        ("evil.example", "/v2/a/b/manifests/v1?ns=docker.io", UNKNOWN, "another host"),
        ("strict.example", "/v2/a/b/manifests/v1", UNKNOWN, "nothing says which registry"),
        ("strict.example", "/v2/", challenge("strict.example/portolan/token", "strict.example"), "a ping needs none"),
        (mirror, "/v2/_catalog?ns=docker.io", no_catalog, "no catalogue, as ever"),
    ];
    let config = config();
    for (host, target, expected, reason) in rows {
        let action = plan(&config, &head(host, "GET", target), &NOT_PUSHED).action;
        let Action::Reply(reply) = action else { panic!("{host} {target}: {reason}") };
        let found = (reply.status, reply.code, header(&reply, "oci-namespace"));
        let Answer { status, code, namespace, login } = expected;
        assert_eq!(found, (status, code, namespace), "{host} {target}: {reason}");
        let login = login.map(|(realm, service)| {
            format!(r#"Bearer realm="https://{realm}",service="{service}""#)
        });
        let found = header(&reply, "www-authenticate");
        assert_eq!(found, login.as_deref(), "{host} {target}: {reason}");
    }
}

#[test]
fn the_token_service_of_the_registry_that_is_meant_is_asked() {
    const HUB: &str = "auth.docker.io/token?service=registry.docker.io";
    let asks = |backend, url: String| Outcome::AsksTokenService(TokenQuestion::at(backend, url));
    let of_hub = |name: &str| asks("hub", format!("{HUB}&scope=repository%3A{name}%3Apull"));
    let of_ghcr =
        || asks("ghcr", "ghcr.io/discovered?scope=repository%3Ateam%2Fa%3Apull".to_owned());
    let missing = || replied(404, "UNSUPPORTED");
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "", "nginx", of_hub("library%2Fnginx"), "the default"),
        ("mirror.example", "", "a/b", of_hub("a%2Fb"), "the default"),
        ("mirror.example", "", "docker.io/nginx", of_hub("library%2Fnginx"), "by path"),
        ("mirror.example", "", "ghcr.io/team/a", of_ghcr(), "by path"),
        ("ghcr.mirror.example", "", "team/a", of_ghcr(), "by host: no state"),
        ("mirror.example", "/ghcr.io", "team/a", of_ghcr(), "by the realm's path"),
        ("mirror.example", "/ghcr.io", "ghcr.io/team/a", of_ghcr(), "by both"),
        ("mirror.example", "/docker.io", "nginx", of_hub("library%2Fnginx"), "by the realm's path"),
        ("mirror.example", "/evil.example", "a", missing(), "a closed lookup"),
        ("mirror.example", "/", "a", missing(), "no name"),
        ("mirror.example", "x", "a", missing(), "another path"),
        ("strict.example", "", "a", asks("hub", HUB.to_owned()), "of no registry: a login"),
    ];
    let config = config();
    for (host, realm, name, expected, reason) in rows {
        let target =
            format!("/portolan/token{realm}?scope=repository:{name}:pull&service=mirror.example");
        let action = plan(&config, &head(host, "GET", &target), &NOT_PUSHED).action;
        let found = Outcome::of(&config, action);
        assert_eq!(found, expected, "{host} {realm} {name}: {reason}");
    }
}

#[test]
fn two_names_of_one_repository_are_asked_for_once() {
    let config = config();
    let ask = |realm: &str, scopes: &str| {
        let target = format!("/portolan/token{realm}?{scopes}");
        match plan(&config, &head("mirror.example", "GET", &target), &NOT_PUSHED).action {
            Action::Token(TokenEndpoint::Exchange(request)) => request.scopes.join(" "),
            other => panic!("{other:?}"),
        }
    };
    #[rustfmt::skip]
    let rows = [
        ("", "scope=repository:nginx:pull&scope=repository:library/nginx:pull", "repository:library/nginx:pull", "the challenge's and the client's own"),
        ("/ghcr.io", "scope=repository:team/a:pull%20repository:ghcr.io/team/a:pull,push", "repository:team/a:pull,push", "what containerd asks with `override_path`"),
        ("", "scope=repository:acme/a:push,pull&scope=repository:ghcr.io/team/b:pull", "repository:acme/a:push,pull", "another registry's are left out"),
        ("", "scope=registry:catalog:*", "registry:catalog:*", "what is no repository has no upstream"),
    ];
    for (realm, scopes, expected, reason) in rows {
        assert_eq!(ask(realm, scopes), expected, "{scopes}: {reason}");
    }
    let head = head("mirror.example", "POST", "/portolan/token/ghcr.io");
    let form = Some(&b"application/x-www-form-urlencoded"[..]);
    let body =
        b"grant_type=refresh_token&refresh_token=portolan~ghcr~r&scope=repository:team/a:pull";
    let endpoint = TokenEndpoint::of_body(&config, &head, form, body).unwrap();
    let Outcome::AsksTokenService(question) = Outcome::of_token_endpoint(&endpoint) else {
        panic!("the form is there")
    };
    let scope = "scope=repository%3Ateam%2Fa%3Apull";
    assert!(question.form.is_some_and(|form| form.contains(scope)), "a form too");
    let unknown = RequestHead { target: b"/portolan/token/evil.example", ..head };
    assert!(TokenEndpoint::of_body(&config, &unknown, form, body).is_err());
}

/// Whether a name is at most 255 bytes long for the client and for the backend.
#[derive(Debug, PartialEq, Eq)]
enum Fits {
    OnEverySide,
    NotOnEach,
}

#[test]
fn a_name_has_at_most_255_bytes_for_the_client_and_for_the_backend() {
    let pull = |host: &str, name: &str| {
        let target = format!("/v2/{name}/manifests/v1");
        match planned(host, "GET", &target) {
            Outcome::Forwarded { .. } => Fits::OnEverySide,
            end => {
                assert_eq!(end, replied(400, "NAME_INVALID"), "{target}");
                Fits::NotOnEach
            }
        }
    };
    let name = |length: usize| format!("acme/{}", "a".repeat(length - "acme/".len()));
    let deep = |length: usize| format!("b/{}", "a".repeat(length - "b/".len()));
    let one = |length: usize| "a".repeat(length);
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", name(255), Fits::OnEverySide, "the policy's own name may be longer: no side sees it"),
        ("mirror.example", name(256), Fits::NotOnEach, "too long for the client"),
        ("mirror.example", format!("docker.io/{}", name(245)), Fits::OnEverySide, "255 with the prefix"),
        ("mirror.example", one(247), Fits::OnEverySide, "255 with `library/`"),
        ("mirror.example", one(248), Fits::NotOnEach, "256 with `library/`, at the backend"),
        ("mirror.example", deep(249), Fits::OnEverySide, "255 with the backend's `proxy/`"),
        ("mirror.example", deep(250), Fits::NotOnEach, "256 with the backend's `proxy/`"),
    ];
    for (host, name, expected, reason) in rows {
        assert_eq!(pull(host, &name), expected, "{} bytes: {reason}", name.len());
    }
}

#[test]
fn a_push_is_remembered_however_the_repository_is_named() {
    let config = config();
    let put = |host: &str, target: &str| {
        forwarding(&config, host, "PUT", target).push.expect("a push is noted").slot
    };
    let ask =
        |host: &str, target: &str| match plan(&config, &head(host, "GET", target), &NONE).action {
            Action::Need(Need::RecentPush(question)) => question.slot,
            other => panic!("{other:?}"),
        };
    let slot = put("docker.mirror.example", "/v2/nginx/manifests/v1");
    for (host, target) in [
        ("mirror.example", "/v2/nginx/manifests/v1"),
        ("mirror.example", "/v2/docker.io/library/nginx/tags/list"),
        ("mirror.example", "/v2/library/nginx/manifests/v2?ns=docker.io"),
    ] {
        assert_eq!(ask(host, target), slot, "{host} {target}");
    }
    assert_ne!(ask("mirror.example", "/v2/acme/a/manifests/v1"), slot);
}

#[test]
fn the_plan_says_what_was_meant() {
    let config = config();
    let names = |host: &str, target: &str| {
        let plan = plan(&config, &head(host, "GET", target), &NOT_PUSHED);
        let upstream = plan.naming.upstream().map(|upstream| upstream.name().to_owned());
        (upstream, plan.repository)
    };
    let some = |upstream: &str, name: &str| (Some(upstream.to_owned()), Some(name.to_owned()));
    assert_eq!(
        names("mirror.example", "/v2/a/manifests/v1"),
        some("docker.io", "docker.io/library/a")
    );
    let unserved = names("ghcr.mirror.example", "/v2/other/a/manifests/v1");
    assert_eq!(unserved, some("ghcr.io", "ghcr.io/other/a"), "also where no rule has it");
    assert_eq!(names("mirror.example", "/v2/"), (None, None));
}
