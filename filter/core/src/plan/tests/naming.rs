//! Plans of requests to a front that stands for several registries.

use super::auth::errand;
use super::*;
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
    RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        scheme: b"https",
        authority: host.as_bytes(),
        ..RequestHead::default()
    }
}

fn forwarded<'c>(config: &'c Config, host: &str, method: &str, target: &str) -> Forwarding<'c> {
    match plan(config, &head(host, method, target), &NOT_PUSHED).action {
        Action::Forward(forwarding) => *forwarding,
        other => panic!("{host} {method} {target}: {other:?}"),
    }
}

/// What every backend of the list is asked.
fn asked(host: &str, method: &str, target: &str) -> String {
    let config = config();
    let forwarding = forwarded(&config, host, method, &target.replace("DIGEST", DIGEST));
    let targets = forwarding.receipt.targets.iter();
    let texts = targets.map(|target| String::from_utf8(target.clone()).unwrap());
    let texts: Vec<String> = texts.map(|text| text.replace(DIGEST, "DIGEST")).collect();
    format!("{} {}", forwarding.cluster, texts.join(" "))
}

#[test]
fn one_repository_however_it_is_named() {
    let nginx = "hub /v2/library/nginx/manifests/v1";
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "GET", "/v2/nginx/manifests/v1", nginx, "by nothing"),
        ("mirror.example", "GET", "/v2/library/nginx/manifests/v1", nginx, "by nothing, with library/"),
        ("mirror.example", "GET", "/v2/docker.io/nginx/manifests/v1", nginx, "by path"),
        ("mirror.example", "GET", "/v2/docker.io/library/nginx/manifests/v1?ns=docker.io", nginx, "by path and ns"),
        ("mirror.example", "GET", "/v2/library/nginx/manifests/v1?ns=index.docker.io", nginx, "by ns"),
        ("docker.mirror.example", "GET", "/v2/nginx/manifests/v1?ns=docker.io", nginx, "by host"),
        ("docker.mirror.example", "GET", "/v2/nginx/manifests/v1?", "hub /v2/library/nginx/manifests/v1?", "an empty query stays"),
        ("mirror.example", "GET", "/v2/nginx/tags/list?n=5&ns=docker.io&last=a%2Fb+c&&", "hub /v2/library/nginx/tags/list?n=5&last=a%2Fb+c&&", "every byte but ns"),
        ("mirror.example", "GET", "/v2/nginx/tags/list?%6Es=docker.io", "hub /v2/library/nginx/tags/list", "ns in disguise"),
        ("docker.mirror.example", "GET", "/v2/nginx/tags/list?ns=evil.example&n=5", "hub /v2/library/nginx/tags/list?n=5", "ns is nobody's to see, whatever it says"),
        ("mirror.example", "GET", "/v2/a/b/blobs/DIGEST?ns=docker.io", "cache+hub /base/v2/proxy/a/b/blobs/DIGEST /v2/a/b/blobs/DIGEST", "each backend by its own name"),
        ("ghcr.mirror.example", "GET", "/v2/team/app/manifests/v1", "ghcr /v2/team/app/manifests/v1", "another registry"),
        ("mirror.example", "PUT", "/v2/ghcr.io/team/app/manifests/v1", "ghcr@owner /v2/team/app/manifests/v1", "writes too"),
        ("mirror.example", "PUT", "/v2/team/app/blobs/uploads/1?ns=ghcr.io&_state=a%2Fb==&digest=DIGEST", "ghcr@owner /v2/team/app/blobs/uploads/1?_state=a%2Fb==&digest=DIGEST", "and the state of uploads"),
    ];
    for (host, method, target, expected, reason) in rows {
        assert_eq!(asked(host, method, target), expected, "{host} {target}: {reason}");
    }
}

#[test]
fn mounts_know_the_source_by_the_clients_name() {
    let start = |host, name, from: &str| {
        let target = format!("/v2/{name}/blobs/uploads/?mount=DIGEST&from={from}&x=%20");
        asked(host, "POST", &target).split_once('?').unwrap().1.to_owned()
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

/// What a client gets instead of one value of a header, as the first backend of the list wrote it.
fn told(host: &str, target: &str, header: UrlHeader, value: &str) -> String {
    let config = config();
    let receipt = forwarded(&config, host, "GET", &target.replace("DIGEST", DIGEST)).receipt;
    let answered = config.list(receipt.list).unwrap().backends()[0];
    let answered = config.backend(answered).map(|backend| backend.name().as_bytes());
    let value = value.replace("DIGEST", DIGEST);
    let status = Some(if header == UrlHeader::Location { 307 } else { 200 });
    let told = response::amend(&config, &receipt, answered, header, status, &[value.as_bytes()]);
    let told = match told {
        Amendment::Keep => value,
        Amendment::Remove => "-".to_owned(),
        Amendment::Refuse(why) => format!("{why:?}"),
        Amendment::Replace(values) => String::from_utf8(values.concat()).unwrap(),
    };
    told.replace(DIGEST, "DIGEST")
}

#[test]
fn urls_keep_the_clients_names() {
    use UrlHeader::{Link, Location};
    #[rustfmt::skip]
    let rows = [
        (Location, "mirror.example", "/v2/nginx/manifests/v1", "/v2/library/nginx/manifests/DIGEST?x=%2f", "/v2/nginx/manifests/DIGEST?x=%2f", "without library/, as it came"),
        (Location, "mirror.example", "/v2/library/nginx/manifests/v1", "/v2/library/nginx/manifests/DIGEST", "/v2/library/nginx/manifests/DIGEST", "with it"),
        (Location, "mirror.example", "/v2/docker.io/nginx/manifests/v1", "/v2/library/nginx/manifests/DIGEST", "/v2/docker.io/nginx/manifests/DIGEST", "with the prefix"),
        (Location, "mirror.example", "/v2/nginx/manifests/v1?ns=index.docker.io", "https://registry-1.docker.io/v2/library/nginx/x", "/v2/nginx/x?ns=index.docker.io", "ns again: whoever follows would not send it"),
        (Location, "mirror.example", "/v2/nginx/manifests/v1?ns=docker.io", "/v2/library/nginx/x?_state=a%2Fb+c==#d?e", "/v2/nginx/x?_state=a%2Fb+c==&ns=docker.io#d?e", "behind the registry's own query"),
        (Location, "docker.mirror.example", "/v2/nginx/manifests/v1?ns=docker.io", "/v2/library/nginx/x", "/v2/nginx/x", "the host says it again by itself"),
        (Location, "mirror.example", "/v2/a/b/manifests/v1?ns=docker.io", "https://cdn.example/x?sig=%2f", "https://cdn.example/x?sig=%2f", "another host's URL is signed"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/proxy/a/b/blobs/DIGEST", "/v2/a/b/blobs/DIGEST", "base path and prefix of the backend"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/proxy/library/c/blobs/DIGEST", "/v2/library/c/blobs/DIGEST", "another repository, as this client writes"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/proxy/c/blobs/DIGEST", "Name", "one that no client can name"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/v2/other/c/blobs/DIGEST", "Name", "one of no upstream"),
        (Location, "mirror.example", "/v2/a/b/blobs/DIGEST", "/base/ui", "Path", "no path of the API"),
        (Link, "mirror.example", "/v2/nginx/tags/list?n=2&ns=docker.io", "</v2/library/nginx/tags/list?n=2&last=b>; rel=\"next\"", "</v2/nginx/tags/list?n=2&last=b&ns=docker.io>; rel=\"next\"", "the next page is of the same registry"),
        (Link, "mirror.example", "/v2/docker.io/nginx/tags/list", "<list?last=b>; rel=next", "</v2/docker.io/nginx/tags/list?last=b>; rel=next", "relative"),
    ];
    for (header, host, target, value, expected, reason) in rows {
        assert_eq!(told(host, target, header, value), expected, "{host} {target}: {reason}");
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
        assert_eq!(told(host, target, UrlHeader::Challenge, &challenge), expected, "{reason}");
    }
    let other = r#"Bearer realm="x",scope="repository:a/b:pull repository:c:pull openid""#;
    let found = told("mirror.example", "/v2/a/b/manifests/v1", UrlHeader::Challenge, other);
    assert_eq!(found, "-", "the cache has no token service");
    let found = told("mirror.example", "/v2/acme/b/manifests/v1", UrlHeader::Challenge, other);
    assert!(
        found.ends_with(r#"scope="repository:a/b:pull openid""#),
        "without what has no name: {found}"
    );
}

/// Status, code, realm and `OCI-Namespace` of an answer that is given here.
fn refused(host: &str, target: &str) -> String {
    let config = config();
    let Action::Reply(reply) = plan(&config, &head(host, "GET", target), &NOT_PUSHED).action else {
        panic!("{host} {target} is forwarded");
    };
    let header = |name: &str| {
        let found = reply.headers.iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| format!(" {value}")).unwrap_or_default()
    };
    let (challenge, namespace) = (header("www-authenticate"), header("oci-namespace"));
    format!("{} {}{namespace}{challenge}", reply.status, reply.code)
}

#[test]
fn unknown_registries_get_an_error_after_which_clients_ask_elsewhere() {
    let challenge =
        |realm: &str| format!(r#" Bearer realm="https://{realm}",service="mirror.example""#);
    let ping = format!("401 UNAUTHORIZED{}", challenge("mirror.example/portolan/token"));
    let host = format!("401 UNAUTHORIZED{}", challenge("ghcr.mirror.example/portolan/token"));
    let strict = r#"401 UNAUTHORIZED Bearer realm="https://strict.example/portolan/token",service="strict.example""#;
    let ns = challenge("mirror.example/portolan/token/ghcr.io");
    let ns = format!("401 UNAUTHORIZED ghcr.io{ns}");
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "/v2/", ping.as_str(), "a ping, as ever"),
        ("ghcr.mirror.example", "/v2/", &host, "the realm is where the client asked"),
        ("mirror.example", "/v2/?ns=GHCR.io", &ns, "the realm says what ns said"),
        ("mirror.example", "/v2/?ns=evil.example", "404 NAME_UNKNOWN", "no mirror of that"),
        ("mirror.example", "/v2/a/b/manifests/v1?ns=evil.example", "404 NAME_UNKNOWN", "containerd goes on to the registry itself"),
        ("mirror.example", "/v2/a/b/manifests/v1?ns=169.254.169.254", "404 NAME_UNKNOWN", "nothing is dialled"),
        ("mirror.example", "/v2/a/b/manifests/v1?ns=docker.io&ns=ghcr.io", "400 NAME_INVALID", "two meanings"),
        ("mirror.example", "/v2/other/b/manifests/v1?ns=ghcr.io", "404 NAME_UNKNOWN ghcr.io", "no rule, of a registry that is known"),
        ("evil.example", "/v2/a/b/manifests/v1?ns=docker.io", "404 NAME_UNKNOWN", "another host"),
        ("strict.example", "/v2/a/b/manifests/v1", "404 NAME_UNKNOWN", "nothing says which registry"),
        ("strict.example", "/v2/", strict, "a ping needs none"),
        ("mirror.example", "/v2/_catalog?ns=docker.io", "404 UNSUPPORTED docker.io", "no catalogue, as ever"),
    ];
    for (host, target, expected, reason) in rows {
        assert_eq!(refused(host, target), expected, "{host} {target}: {reason}");
    }
}

#[test]
fn a_token_is_asked_of_the_registry_that_is_meant() {
    let hub = "hub@token auth.docker.io/token?service=registry.docker.io&scope=repository%3A";
    let of_hub = |name: &str| {
        format!("{hub}{}%3Apull as nobody, tag Some(\"hub\")", name.replace('/', "%2F"))
    };
    let of_ghcr = "ghcr@token ghcr.io/discovered?scope=repository%3Ateam%2Fa%3Apull as nobody, tag Some(\"ghcr\")".to_owned();
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "", "nginx", of_hub("library/nginx"), "the default"),
        ("mirror.example", "", "a/b", of_hub("a/b"), "the default"),
        ("mirror.example", "", "docker.io/nginx", of_hub("library/nginx"), "by path"),
        ("mirror.example", "", "ghcr.io/team/a", of_ghcr.clone(), "by path"),
        ("ghcr.mirror.example", "", "team/a", of_ghcr.clone(), "by host: no state"),
        ("mirror.example", "/ghcr.io", "team/a", of_ghcr.clone(), "by the realm's path"),
        ("mirror.example", "/ghcr.io", "ghcr.io/team/a", of_ghcr, "by both"),
        ("mirror.example", "/docker.io", "nginx", of_hub("library/nginx"), "by the realm's path"),
        ("mirror.example", "/evil.example", "a", "404".to_owned(), "a closed lookup"),
        ("mirror.example", "/", "a", "404".to_owned(), "no name"),
        ("mirror.example", "x", "a", "404".to_owned(), "another path"),
        ("strict.example", "", "a", "hub@token auth.docker.io/token?service=registry.docker.io as nobody, tag Some(\"hub\")".to_owned(), "of no registry: a login"),
    ];
    let config = config();
    for (host, realm, name, expected, reason) in rows {
        let target =
            format!("/portolan/token{realm}?scope=repository:{name}:pull&service=mirror.example");
        let found = match plan(&config, &head(host, "GET", &target), &NOT_PUSHED).action {
            Action::Token(endpoint) => errand(&endpoint),
            Action::Reply(reply) => reply.status.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(found, expected, "{host} {realm} {name}: {reason}");
    }
}

#[test]
fn two_names_of_one_repository_are_asked_for_once() {
    let config = config();
    let ask = |realm: &str, scopes: &str| {
        let target = format!("/portolan/token{realm}?{scopes}");
        match plan(&config, &head("mirror.example", "GET", &target), &NOT_PUSHED).action {
            Action::Token(TokenEndpoint::Errand(errand)) => errand.scopes.join(" "),
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
    assert!(errand(&endpoint).contains("scope=repository%3Ateam%2Fa%3Apull"), "a form too");
    let unknown = RequestHead { target: b"/portolan/token/evil.example", ..head };
    assert!(TokenEndpoint::of_body(&config, &unknown, form, body).is_err());
}

#[test]
fn names_fit_on_every_side() {
    let pull = |host: &str, name: &str| {
        let target = format!("/v2/{name}/manifests/v1");
        match plan(&config(), &head(host, "GET", &target), &NOT_PUSHED).action {
            Action::Forward(_) => "forwarded".to_owned(),
            Action::Reply(reply) => format!("{} {}", reply.status, reply.code),
            other => format!("{other:?}"),
        }
    };
    let name = |length: usize| format!("acme/{}", "a".repeat(length - "acme/".len()));
    let deep = |length: usize| format!("b/{}", "a".repeat(length - "b/".len()));
    let one = |length: usize| "a".repeat(length);
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", name(255), "forwarded", "the policy's own name may be longer: nobody sees it"),
        ("mirror.example", name(256), "400 NAME_INVALID", "too long for the client"),
        ("mirror.example", format!("docker.io/{}", name(245)), "forwarded", "255 with the prefix"),
        ("mirror.example", one(247), "forwarded", "255 with `library/`"),
        ("mirror.example", one(248), "400 NAME_INVALID", "256 with `library/`, at the backend"),
        ("mirror.example", deep(249), "forwarded", "255 with the backend's `proxy/`"),
        ("mirror.example", deep(250), "400 NAME_INVALID", "256 with the backend's `proxy/`"),
    ];
    for (host, name, expected, reason) in rows {
        assert_eq!(pull(host, &name), expected, "{} bytes: {reason}", name.len());
    }
}

#[test]
fn a_push_is_remembered_however_the_repository_is_named() {
    let config = config();
    let put = |host: &str, target: &str| {
        forwarded(&config, host, "PUT", target).push.expect("a push is noted").slot
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
