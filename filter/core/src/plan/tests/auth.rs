//! Plans of requests with authentication.

use portolan_policy_builder::{Backend, Front, Policy, Rule};

use super::scenario::TokenQuestion;
use super::*;
use crate::attempt::{self, Credentials, TokenSource};
use crate::token::TokenRequestError;

/// One policy with a front of each kind. `ghcr` and `hub` have token services, `twin` has the
/// service of `hub`, `ecr` has passwords and `open` nothing.
fn policy() -> Policy {
    Policy::new()
        .front("m", Front::at(["m.example"]).with("auth", "managed"))
        .front("u", Front::at(["u.example", "127.0.0.1:5000"]).logins_of("ghcr"))
        .front("p", Front::at(["p.example"]).passwords_of("http://127.0.0.1:9080"))
        .backend("ghcr", Backend::at("https://ghcr.io").tokens().names("drycc/", "acme/"))
        .backend(
            "hub",
            Backend::at("https://hub.example/base")
                .tokens_of("https://auth.example/token", "hub")
                .with("hides_missing", true),
        )
        .backend(
            "twin",
            Backend::at("https://twin.example").tokens_of("https://auth.example/token", "hub"),
        )
        .backend("robot", Backend::at("https://robot.example").tokens().credential("r"))
        .backend("ecr", Backend::at("https://ecr.example").basic("aws"))
        .backend("open", Backend::at("http://open.example"))
        .credential("r")
        .credential("aws")
        .rule(Rule::of("drycc").chain(["open", "ghcr"]))
        .rule(Rule::of("hub").chain(["hub", "twin", "open"]))
        .rule(Rule::of("same").chain(["twin", "open"]))
        .rule(
            Rule::of("own")
                .chain(["ecr", "open"])
                .readers("authenticated")
                .owner("ecr")
                .writers("authenticated"),
        )
        .rule(Rule::of("robot").chain(["robot"]).readers("anyone"))
}

fn head<'a>(
    front: &'a str,
    method: &'a str,
    target: &'a str,
    authorization: &'a str,
) -> RequestHead<'a> {
    RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        scheme: b"https",
        authority: front.as_bytes(),
        authorization: Some(authorization.as_bytes()).filter(|value| !value.is_empty()),
        ..RequestHead::default()
    }
}

/// Where a request ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The proxy answers, with this challenge if it has one.
    Replied { status: u16, challenge: Option<String> },
    /// A verifier is asked about the password first.
    NeedsPassword { verifier: String },
    /// One backend gets it, and no attempt phase looks at it: what becomes of `Authorization`.
    ToOne { backend: String, authorization: Authorization },
    /// The backends of a list get it, each with its own credentials.
    ToEach(Vec<Sent>),
}

/// What one backend of a list is sent to prove who asks.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    backend: String,
    credentials: Credentials<'static>,
    /// Whether a refusal by it means that it lacks the content.
    hides_missing: bool,
}

fn plain(status: u16) -> End {
    End::Replied { status, challenge: None }
}

fn challenged(challenge: &str) -> End {
    End::Replied { status: 401, challenge: Some(challenge.to_owned()) }
}

fn needs_password() -> End {
    End::NeedsPassword { verifier: "p@verifier".to_owned() }
}

fn to_one(backend: &str, authorization: Authorization) -> End {
    End::ToOne { backend: backend.to_owned(), authorization }
}

fn sent(backend: &str, credentials: Credentials<'static>) -> Sent {
    Sent { backend: backend.to_owned(), credentials, hides_missing: false }
}

/// A backend for which the proxy has nothing, and at which no client of the front logs in.
fn nothing_ever(backend: &str) -> Sent {
    sent(backend, Credentials::NothingEver)
}

/// A backend at which clients log in, and this one did not.
fn nothing(backend: &str) -> Sent {
    sent(backend, Credentials::Nothing)
}

fn of_client(backend: &str, value: &'static str) -> Sent {
    sent(backend, Credentials::Client(value.as_bytes().into()))
}

/// A token of the proxy's own from a service that the backend itself names.
fn discovered(backend: &str, authority: &'static str, scope: &'static str) -> TokenSource<'static> {
    TokenSource {
        cluster: format!("{backend}@token").into(),
        authority: authority.into(),
        realm: "".into(),
        base_path: "".into(),
        service: "".into(),
        scope: scope.into(),
        credential: "".into(),
    }
}

fn end(head: &RequestHead<'_>, facts: &Facts<'_>) -> End {
    let config = policy().read_by(Config::from_json);
    match plan(&config, head, facts).action {
        Action::Reply(reply) => {
            let challenge = header(&reply, "www-authenticate").map(str::to_owned);
            End::Replied { status: reply.status, challenge }
        }
        Action::Need(Need::Password(verifier)) => {
            End::NeedsPassword { verifier: verifier.cluster().to_owned() }
        }
        Action::Forward(forwarding) => match &forwarding.prepared {
            Some(prepared) => End::ToEach(attempt::all(prepared).map(owned).collect()),
            None => to_one(forwarding.cluster, forwarding.authorization),
        },
        other => panic!("{other:?}"),
    }
}

/// What a backend is sent, without what it borrows of the property.
fn owned(request: attempt::BackendRequest<'_>) -> Sent {
    let credentials = match request.credentials {
        Credentials::Nothing => Credentials::Nothing,
        Credentials::NothingEver => Credentials::NothingEver,
        Credentials::Client(value) => Credentials::Client(value.into_owned().into()),
        Credentials::Injected(name) => Credentials::Injected(name.into_owned().into()),
        Credentials::Token(source) => Credentials::Token(TokenSource {
            cluster: source.cluster.into_owned().into(),
            authority: source.authority.into_owned().into(),
            realm: source.realm.into_owned().into(),
            base_path: source.base_path.into_owned().into(),
            service: source.service.into_owned().into(),
            scope: source.scope.into_owned().into(),
            credential: source.credential.into_owned().into(),
        }),
    };
    Sent { backend: request.backend.to_owned(), credentials, hides_missing: request.hides_missing }
}

#[test]
fn pings() {
    let upstream =
        || challenged(r#"Bearer realm="https://u.example/portolan/token",service="u.example""#);
    let passwords = challenged(r#"Basic realm="p.example""#);
    #[rustfmt::skip]
    let rows = [
        ("m.example", "", plain(200), "clients need nothing"),
        ("m.example", "Basic YTpi", plain(200), "and what they send does not matter"),
        ("u.example", "", upstream(), "clients log in to the backends"),
        ("u.example", "Bearer portolan~ghcr~x", plain(200), "whether a token is good shows later"),
        ("u.example", "Basic YTpi", upstream(), "not with a password"),
        ("p.example", "", passwords, "clients log in to the front"),
        ("p.example", "Basic YTpi", needs_password(), "the password is looked at"),
    ];
    for (front, authorization, expected, reason) in rows {
        let found = end(&head(front, "GET", "/v2/", authorization), &NONE);
        assert_eq!(found, expected, "{front}: {reason}");
    }
    let with_port = RequestHead { scheme: b"http", ..head("127.0.0.1:5000", "GET", "/v2/", "") };
    let realm = r#"Bearer realm="http://127.0.0.1:5000/portolan/token",service="u.example""#;
    assert_eq!(end(&with_port, &NONE), challenged(realm), "the realm is where the client asked");
}

#[test]
fn each_backend_is_sent_its_own_credentials() {
    const OF_HUB: &str = "Bearer portolan~hub~t";
    const OF_GHCR: &str = "Bearer portolan~ghcr~t";
    let content = "/v2/hub/a/blobs/DIGEST";
    let base = discovered("ghcr", "ghcr.io", "repository:acme/a:pull");
    let own = || vec![nothing_ever("open"), sent("ghcr", Credentials::Token(base.clone()))];
    let at_hub = |backend: &str, base_path: &'static str| TokenSource {
        realm: "/token".into(),
        service: "hub".into(),
        base_path: base_path.into(),
        ..discovered(backend, "auth.example", "repository:hub/a:pull")
    };
    let tokens = vec![
        Sent { hides_missing: true, ..sent("hub", Credentials::Token(at_hub("hub", "/base"))) },
        sent("twin", Credentials::Token(at_hub("twin", ""))),
        nothing_ever("open"),
    ];
    let nobodys = || {
        let hub = Sent { hides_missing: true, ..nothing("hub") };
        End::ToEach(vec![hub, nothing("twin"), nothing_ever("open")])
    };
    let of_both =
        vec![of_client("hub", "Bearer t"), of_client("twin", "Bearer t"), nothing_ever("open")];
    let robot = || {
        let source = discovered("robot", "robot.example", "repository:robot/a:pull");
        let source = TokenSource { credential: "r".into(), ..source };
        End::ToEach(vec![sent("robot", Credentials::Token(source))])
    };
    let other = vec![nothing_ever("open"), of_client("ghcr", "Bearer t")];
    let unmarked = Authorization::Replaced(b"Bearer t".into());
    let (removed, login) = (|| Authorization::Removed, || challenged(r#"Basic realm="p.example""#));
    #[rustfmt::skip]
    let rows = [
        ("m.example", "GET", "/v2/drycc/a/manifests/DIGEST", "", End::ToEach(own()), "managed, by its own name"),
        ("m.example", "GET", "/v2/drycc/a/manifests/DIGEST", "Bearer stolen", End::ToEach(own()), "what a client sends goes nowhere"),
        ("m.example", "GET", "/v2/drycc/a/manifests/v1", "Bearer stolen", to_one("open", removed()), "nor where there is one backend"),
        ("m.example", "GET", content, "", End::ToEach(tokens), "each with its own token"),
        ("m.example", "GET", "/v2/robot/a/manifests/v1", "", robot(), "with a credential"),
        ("m.example", "GET", "/v2/own/a/manifests/v1", "", plain(403), "not for everybody"),
        ("m.example", "POST", "/v2/own/a/blobs/uploads/", "Basic YTpi", plain(403), "nor to push"),
        ("u.example", "GET", content, OF_HUB, End::ToEach(of_both), "one token service, two backends"),
        ("u.example", "GET", content, OF_GHCR, nobodys(), "a token of another service goes nowhere"),
        ("u.example", "GET", content, "Bearer t", nobodys(), "a token of no service goes nowhere"),
        ("u.example", "GET", content, "Basic YTpi", nobodys(), "a password goes nowhere"),
        ("u.example", "GET", "/v2/same/a/blobs/DIGEST", "", End::ToEach(vec![nothing("twin"), nothing_ever("open")]), "a 401 of one is a question, of the other it is not"),
        ("u.example", "GET", "/v2/drycc/a/blobs/DIGEST", OF_GHCR, End::ToEach(other), "the other service's own token"),
        ("u.example", "GET", "/v2/robot/a/manifests/v1", OF_GHCR, to_one("robot", removed()), "clients' tokens even where the proxy has a credential"),
        ("u.example", "GET", "/v2/robot/a/manifests/v1", "Bearer portolan~robot~t", to_one("robot", unmarked), "without the mark"),
        ("u.example", "GET", "/v2/own/a/manifests/v1", OF_HUB, plain(403), "the proxy cannot know who this is"),
        ("p.example", "GET", "/v2/own/a/manifests/v1", "", login(), "a password is needed"),
        ("p.example", "GET", "/v2/own/a/manifests/v1", "Basic YTpi", needs_password(), "it is looked at"),
        ("p.example", "GET", "/v2/robot/a/manifests/v1", "", robot(), "for anyone"),
        ("p.example", "GET", "/v2/robot/a/manifests/v1", "Basic YTpi", needs_password(), "but a wrong password is told"),
        ("p.example", "POST", "/v2/own/a/blobs/uploads/", "", login(), "anonymous writes reach no backend"),
        ("p.example", "PUT", "/v2/own/a/manifests/v1", "", login(), "anonymous writes reach no backend"),
        ("p.example", "DELETE", "/v2/own/a/manifests/v1", "", login(), "anonymous writes reach no backend"),
    ];
    for (front, method, target, authorization, expected, reason) in rows {
        let target = with_digest(target);
        let found = end(&head(front, method, &target, authorization), &NONE);
        assert_eq!(found, expected, "{front} {method} {target} {authorization}: {reason}");
    }
}

#[test]
fn a_request_after_its_password_was_verified() {
    let (own, public) = ("/v2/own/a/manifests/v1", "/v2/robot/a/manifests/v1");
    let served = || End::ToEach(vec![sent("ecr", Credentials::Injected("aws".into()))]);
    let login = || challenged(r#"Basic realm="p.example""#);
    let rows = [
        (Password::Right, "GET", own, served()),
        (Password::Right, "PUT", own, served()),
        (Password::Right, "GET", "/v2/", plain(200)),
        (Password::Wrong, "GET", own, login()),
        (Password::Wrong, "GET", public, login()),
        (Password::Unknown, "GET", own, plain(503)),
    ];
    for (password, method, target, expected) in rows {
        let facts = Facts { password: Some(password), ..NONE };
        let found = end(&head("p.example", method, target, "Basic YTpi"), &facts);
        assert_eq!(found, expected, "{password:?} {method} {target}");
    }
}

/// The scope `repository:NAME:pull` in a query.
fn pull_of(name: &str) -> String {
    format!("scope=repository%3A{}%3Apull", name.replace('/', "%2F"))
}

#[test]
fn the_token_endpoint() {
    let config = policy().read_by(Config::from_json);
    let ghcr = |query: &str| TokenQuestion::at("ghcr", format!("ghcr.io/discovered{query}"));
    let with_password = |question: TokenQuestion| {
        let authorization = Some("Basic YTpi".to_owned());
        Outcome::AsksTokenService(TokenQuestion { authorization, ..question })
    };
    let of_hub = || {
        let url = format!("auth.example/token?service=hub&{}", pull_of("hub/a"));
        Outcome::AsksTokenService(TokenQuestion::at("hub", url))
    };
    let of_ghcr = with_password(ghcr(&format!("?account=ann&{}", pull_of("acme/a"))));
    let login = with_password(ghcr("?account=ann&client_id=docker&offline_token=true"));
    let docker = "?account=ann&client_id=docker&offline_token=true&service=u.example";
    let unknown = || replied(404, "UNSUPPORTED");
    #[rustfmt::skip]
    let rows = [
        ("u.example", "?scope=repository:hub/a:pull&service=u.example", "", of_hub()),
        ("u.example", "?scope=repository:hub/a:pull&account=ann", "Basic YTpi", of_hub()),
        ("u.example", "?scope=repository:drycc/a:pull&account=ann", "Basic YTpi", of_ghcr),
        ("u.example", docker, "Basic YTpi", login),
        ("u.example", "", "Bearer t", Outcome::AsksTokenService(ghcr(""))),
        ("u.example", "?service=a&service=b", "", replied(400, "UNSUPPORTED")),
        ("m.example", "?scope=repository:hub/a:pull", "", unknown()),
        ("p.example", "?scope=repository:hub/a:pull", "", unknown()),
    ];
    for (front, query, authorization, expected) in rows {
        let target = format!("/portolan/token{query}");
        let action = plan(&config, &head(front, "GET", &target, authorization), &NONE).action;
        assert_eq!(Outcome::of(&config, action), expected, "{front} {query}");
    }
    let not_allowed = || replied(405, "UNSUPPORTED");
    let methods = [("POST", Outcome::ReadsForm), ("PUT", not_allowed()), ("HEAD", not_allowed())];
    for (method, expected) in methods {
        let action = plan(&config, &head("u.example", method, "/portolan/token", ""), &NONE).action;
        assert_eq!(Outcome::of(&config, action), expected, "{method}");
    }
}

#[test]
fn posts_to_the_token_endpoint() {
    let config = policy().read_by(Config::from_json);
    let post = |body: &str| {
        let head = head("u.example", "POST", "/portolan/token", "");
        let form = Some(&b"application/x-www-form-urlencoded"[..]);
        let endpoint = TokenEndpoint::of_body(&config, &head, form, body.as_bytes());
        endpoint.map(|endpoint| Outcome::of_token_endpoint(&endpoint))
    };
    let asks = |question: TokenQuestion| Ok(Outcome::AsksTokenService(question));
    let with_form = |question: TokenQuestion, form: &str| {
        asks(TokenQuestion { form: Some(form.to_owned()), ..question })
    };
    let ghcr = TokenQuestion::at("ghcr", "ghcr.io/discovered");
    let hub = TokenQuestion::at("hub", "auth.example/token");
    let login = format!("grant_type=password&username=ann&password=p%26w&{}", pull_of("acme/a"));
    let refresh =
        format!("grant_type=refresh_token&refresh_token=r&service=hub&{}", pull_of("hub/a"));
    let anonymous = || {
        let url = format!("auth.example/token?service=hub&{}", pull_of("hub/a"));
        asks(TokenQuestion::at("hub", url))
    };
    #[rustfmt::skip]
    let rows = [
        ("grant_type=password&username=ann&password=p%26w&service=u&scope=repository:drycc/a:pull,push", with_form(ghcr, &login), "a password, for a pull-only rule"),
        ("grant_type=password&username=ann&password=pw&scope=repository:hub/a:pull", anonymous(), "a password is for the login alone"),
        ("grant_type=refresh_token&refresh_token=portolan~hub~r&scope=repository:hub/a:pull", with_form(hub, &refresh), "a token of its own"),
        ("grant_type=refresh_token&refresh_token=portolan~ghcr~r&scope=repository:hub/a:pull", anonymous(), "a token of another service"),
        ("grant_type=refresh_token&refresh_token=r&scope=repository:hub/a:pull", anonymous(), "a token of no service"),
        ("grant_type=code", Err(Refusal::Token(TokenRequestError::GrantUnsupported)), "another grant"),
    ];
    for (body, expected, reason) in rows {
        assert_eq!(post(body), expected, "{body}: {reason}");
    }
}

#[test]
fn as_many_retries_as_other_backends_and_as_tokens_that_may_be_refused() {
    let config = policy().read_by(Config::from_json);
    let further = |front, target: &str| {
        let target = target.replace("DIGEST", DIGEST);
        match plan(&config, &head(front, "GET", &target, ""), &NONE).action {
            Action::Forward(forwarding) => {
                forwarding.retry.map(|retry| (retry.further_attempts, retry.second_attempts))
            }
            other => panic!("{other:?}"),
        }
    };
    let three = further("m.example", "/v2/hub/a/blobs/DIGEST");
    assert_eq!(three, Some((2, 2)), "three backends, two of which are shown tokens");
    let two = further("m.example", "/v2/drycc/a/blobs/DIGEST");
    assert_eq!(two, Some((1, 1)), "two backends, one of which is shown tokens");
    let two = further("u.example", "/v2/drycc/a/blobs/DIGEST");
    assert_eq!(two, Some((1, 0)), "clients have the tokens");
    assert_eq!(further("m.example", "/v2/robot/a/manifests/v1"), None, "the route says it");
}
