//! Plans of requests with authentication.

use portolan_policy_builder::{Backend, Front, Policy, Rule};

use super::*;
use crate::attempt::{self, Credentials};

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

/// Where a request ends, and what each backend of its list is shown.
fn run(head: &RequestHead<'_>) -> String {
    run_with(head, &NONE)
}

fn run_with(head: &RequestHead<'_>, facts: &Facts<'_>) -> String {
    let config = policy().read_by(Config::from_json);
    match plan(&config, head, facts).action {
        Action::Reply(reply) => {
            let challenge = reply.headers.iter().find(|(name, _)| *name == "www-authenticate");
            let challenge = challenge.map(|(_, value)| format!(" {value}")).unwrap_or_default();
            format!("{}{challenge}", reply.status)
        }
        Action::Need(Need::Password(verifier)) => format!("verify at {}", verifier.cluster()),
        Action::Need(need) => format!("{need:?}"),
        Action::Token(endpoint) => format!("{endpoint:?}"),
        Action::Scrape => "metrics".to_owned(),
        Action::Forward(forwarding) => shown(&forwarding),
    }
}

fn shown(forwarding: &Forwarding<'_>) -> String {
    let Some(prepared) = &forwarding.prepared else {
        return format!("{} {:?}", forwarding.cluster, forwarding.authorization);
    };
    let each = attempt::all(prepared).map(|part| {
        let what = match part.credentials {
            Credentials::Nothing => "nothing".to_owned(),
            Credentials::NothingEver => "nothing ever".to_owned(),
            Credentials::Client(value) => String::from_utf8_lossy(&value).into_owned(),
            Credentials::Injected(name) => format!("<{name}>"),
            Credentials::Token(source) => {
                let mut credential = String::new();
                if !source.credential.is_empty() {
                    credential = format!(" <{}>", source.credential);
                }
                format!(
                    "[{} {}{} {}{credential}]",
                    source.cluster, source.authority, source.realm, source.scope
                )
            }
        };
        let hides = if part.hides_missing { " hides" } else { "" };
        format!("{} {what}{hides}", part.backend)
    });
    each.collect::<Vec<_>>().join(", ")
}

#[test]
fn pings() {
    let upstream = r#"401 Bearer realm="https://u.example/portolan/token",service="u.example""#;
    let passwords = r#"401 Basic realm="p.example""#;
    #[rustfmt::skip]
    let rows = [
        ("m.example", "", "200", "clients need nothing"),
        ("m.example", "Basic YTpi", "200", "and what they send does not matter"),
        ("u.example", "", upstream, "clients log in to the backends"),
        ("u.example", "Bearer portolan~ghcr~x", "200", "whether a token is good shows later"),
        ("u.example", "Basic YTpi", upstream, "not with a password"),
        ("p.example", "", passwords, "clients log in to the front"),
        ("p.example", "Basic YTpi", "verify at p@verifier", "the password is looked at"),
    ];
    for (front, authorization, expected, reason) in rows {
        assert_eq!(run(&head(front, "GET", "/v2/", authorization)), expected, "{front}: {reason}");
    }
    let with_port =
        run(&RequestHead { scheme: b"http", ..head("127.0.0.1:5000", "GET", "/v2/", "") });
    let realm = r#"401 Bearer realm="http://127.0.0.1:5000/portolan/token",service="u.example""#;
    assert_eq!(with_port, realm, "the realm is where the client asked");
}

#[test]
fn each_backend_is_shown_what_is_its_own() {
    const OWN: &str = "Bearer portolan~hub~t";
    const OTHERS: &str = "Bearer portolan~ghcr~t";
    #[rustfmt::skip]
    let rows = [
        ("m.example", "GET", "/v2/drycc/a/manifests/DIGEST", "", "open nothing ever, ghcr [ghcr@token ghcr.io repository:acme/a:pull]", "managed, by its own name"),
        ("m.example", "GET", "/v2/drycc/a/manifests/DIGEST", "Bearer stolen", "open nothing ever, ghcr [ghcr@token ghcr.io repository:acme/a:pull]", "what a client sends goes nowhere"),
        ("m.example", "GET", "/v2/drycc/a/manifests/v1", "Bearer stolen", "open Removed", "nor where there is one backend"),
        ("m.example", "GET", "/v2/hub/a/blobs/DIGEST", "", "hub [hub@token auth.example/token repository:hub/a:pull] hides, twin [twin@token auth.example/token repository:hub/a:pull], open nothing ever", "each with its own token"),
        ("m.example", "GET", "/v2/robot/a/manifests/v1", "", "robot [robot@token robot.example repository:robot/a:pull <r>]", "with a credential"),
        ("m.example", "GET", "/v2/own/a/manifests/v1", "", "403", "not for everybody"),
        ("m.example", "POST", "/v2/own/a/blobs/uploads/", "Basic YTpi", "403", "nor to push"),
        ("u.example", "GET", "/v2/hub/a/blobs/DIGEST", OWN, "hub Bearer t, twin Bearer t, open nothing ever", "one operator, two backends"),
        ("u.example", "GET", "/v2/hub/a/blobs/DIGEST", OTHERS, "hub nothing hides, twin nothing, open nothing ever", "another operator's token goes nowhere"),
        ("u.example", "GET", "/v2/hub/a/blobs/DIGEST", "Bearer t", "hub nothing hides, twin nothing, open nothing ever", "nobody's token goes nowhere"),
        ("u.example", "GET", "/v2/hub/a/blobs/DIGEST", "Basic YTpi", "hub nothing hides, twin nothing, open nothing ever", "a password goes nowhere"),
        ("u.example", "GET", "/v2/same/a/blobs/DIGEST", "", "twin nothing, open nothing ever", "a 401 of one is a question, of the other it is not"),
        ("u.example", "GET", "/v2/drycc/a/blobs/DIGEST", OTHERS, "open nothing ever, ghcr Bearer t", "the other operator's own"),
        ("u.example", "GET", "/v2/robot/a/manifests/v1", OTHERS, "robot Removed", "clients' tokens even where the proxy has a credential"),
        ("u.example", "GET", "/v2/robot/a/manifests/v1", "Bearer portolan~robot~t", "robot Replaced", "without the mark"),
        ("u.example", "GET", "/v2/own/a/manifests/v1", OWN, "403", "the proxy cannot know who this is"),
        ("p.example", "GET", "/v2/own/a/manifests/v1", "", "401 Basic realm=\"p.example\"", "a password is needed"),
        ("p.example", "GET", "/v2/own/a/manifests/v1", "Basic YTpi", "verify at p@verifier", "it is looked at"),
        ("p.example", "GET", "/v2/robot/a/manifests/v1", "", "robot [robot@token robot.example repository:robot/a:pull <r>]", "for anyone"),
        ("p.example", "GET", "/v2/robot/a/manifests/v1", "Basic YTpi", "verify at p@verifier", "but a wrong password is told"),
        ("p.example", "POST", "/v2/own/a/blobs/uploads/", "", "401 Basic realm=\"p.example\"", "anonymous writes reach nobody"),
        ("p.example", "PUT", "/v2/own/a/manifests/v1", "", "401 Basic realm=\"p.example\"", "anonymous writes reach nobody"),
        ("p.example", "DELETE", "/v2/own/a/manifests/v1", "", "401 Basic realm=\"p.example\"", "anonymous writes reach nobody"),
    ];
    for (front, method, target, authorization, expected, reason) in rows {
        let target = target.replace("DIGEST", DIGEST);
        let found = run(&head(front, method, &target, authorization));
        let found = match found.split_once("Replaced(") {
            Some((before, _)) => format!("{before}Replaced"),
            None => found,
        };
        assert_eq!(found, expected, "{front} {method} {target} {authorization}: {reason}");
    }
}

#[test]
fn a_password_that_was_looked_at() {
    let own = "/v2/own/a/manifests/v1";
    let asked = |password, method, target| {
        let facts = Facts { password: Some(password), ..NONE };
        run_with(&head("p.example", method, target, "Basic YTpi"), &facts)
    };
    assert_eq!(asked(Password::Right, "GET", own), "ecr <aws>");
    assert_eq!(asked(Password::Right, "PUT", own), "ecr <aws>");
    assert_eq!(asked(Password::Right, "GET", "/v2/"), "200");
    assert_eq!(asked(Password::Wrong, "GET", own), r#"401 Basic realm="p.example""#);
    assert_eq!(
        asked(Password::Wrong, "GET", "/v2/robot/a/manifests/v1"),
        r#"401 Basic realm="p.example""#
    );
    assert_eq!(asked(Password::Unknown, "GET", own), "503");
}

/// What the token service is asked on behalf of a client: whose, where, what, and as whom.
pub(super) fn errand(endpoint: &TokenEndpoint) -> String {
    let TokenEndpoint::Errand(errand) = endpoint else { return "needs the body".to_owned() };
    let realm = errand.realm.as_deref().unwrap_or("/discovered");
    let service = errand.service.as_deref();
    let call = match errand.request.for_realm(realm, service, &errand.scopes) {
        crate::token::TokenCall::Get { target } => target,
        crate::token::TokenCall::Post { target, body } => format!("{target} {body}"),
    };
    let shown = errand.authorization.as_ref().map_or("nobody", crate::token::Secret::expose);
    format!("{} {}{call} as {shown}, tag {:?}", errand.cluster, errand.authority, errand.tag)
}

#[test]
fn the_token_endpoint() {
    let config = policy().read_by(Config::from_json);
    let get = |front, query: &str, authorization| {
        let target = format!("/portolan/token{query}");
        match plan(&config, &head(front, "GET", &target, authorization), &NONE).action {
            Action::Token(endpoint) => errand(&endpoint),
            Action::Reply(reply) => reply.status.to_string(),
            other => format!("{other:?}"),
        }
    };
    #[rustfmt::skip]
    let rows = [
        ("u.example", "?scope=repository:hub/a:pull&service=u.example", "", "hub@token auth.example/token?service=hub&scope=repository%3Ahub%2Fa%3Apull as nobody, tag Some(\"hub\")"),
        ("u.example", "?scope=repository:hub/a:pull&account=ann", "Basic YTpi", "hub@token auth.example/token?service=hub&scope=repository%3Ahub%2Fa%3Apull as nobody, tag Some(\"hub\")"),
        ("u.example", "?scope=repository:drycc/a:pull&account=ann", "Basic YTpi", "ghcr@token ghcr.io/discovered?account=ann&scope=repository%3Aacme%2Fa%3Apull as Basic YTpi, tag Some(\"ghcr\")"),
        ("u.example", "?account=ann&client_id=docker&offline_token=true&service=u.example", "Basic YTpi", "ghcr@token ghcr.io/discovered?account=ann&client_id=docker&offline_token=true as Basic YTpi, tag Some(\"ghcr\")"),
        ("u.example", "", "Bearer t", "ghcr@token ghcr.io/discovered as nobody, tag Some(\"ghcr\")"),
        ("u.example", "?service=a&service=b", "", "400"),
        ("m.example", "?scope=repository:hub/a:pull", "", "404"),
        ("p.example", "?scope=repository:hub/a:pull", "", "404"),
    ];
    for (front, query, authorization, expected) in rows {
        assert_eq!(get(front, query, authorization), expected, "{front} {query}");
    }
    for (method, expected) in [("POST", "Token(NeedsBody)"), ("PUT", "405"), ("HEAD", "405")] {
        let found =
            match plan(&config, &head("u.example", method, "/portolan/token", ""), &NONE).action {
                Action::Reply(reply) => reply.status.to_string(),
                other => format!("{other:?}"),
            };
        assert_eq!(found, expected, "{method}");
    }
}

#[test]
fn posts_to_the_token_endpoint() {
    let config = policy().read_by(Config::from_json);
    let post = |body: &str| {
        let head = head("u.example", "POST", "/portolan/token", "");
        let form = Some(&b"application/x-www-form-urlencoded"[..]);
        match TokenEndpoint::of_body(&config, &head, form, body.as_bytes()) {
            Ok(endpoint) => errand(&endpoint),
            Err(refusal) => format!("{refusal:?}"),
        }
    };
    #[rustfmt::skip]
    let rows = [
        ("grant_type=password&username=ann&password=p%26w&service=u&scope=repository:drycc/a:pull,push", "ghcr@token ghcr.io/discovered grant_type=password&username=ann&password=p%26w&scope=repository%3Aacme%2Fa%3Apull as nobody, tag Some(\"ghcr\")", "a password, for a pull-only rule"),
        ("grant_type=password&username=ann&password=pw&scope=repository:hub/a:pull", "hub@token auth.example/token?service=hub&scope=repository%3Ahub%2Fa%3Apull as nobody, tag Some(\"hub\")", "a password is for the login alone"),
        ("grant_type=refresh_token&refresh_token=portolan~hub~r&scope=repository:hub/a:pull", "hub@token auth.example/token grant_type=refresh_token&refresh_token=r&service=hub&scope=repository%3Ahub%2Fa%3Apull as nobody, tag Some(\"hub\")", "a token of its own"),
        ("grant_type=refresh_token&refresh_token=portolan~ghcr~r&scope=repository:hub/a:pull", "hub@token auth.example/token?service=hub&scope=repository%3Ahub%2Fa%3Apull as nobody, tag Some(\"hub\")", "another's token"),
        ("grant_type=refresh_token&refresh_token=r&scope=repository:hub/a:pull", "hub@token auth.example/token?service=hub&scope=repository%3Ahub%2Fa%3Apull as nobody, tag Some(\"hub\")", "nobody's token"),
        ("grant_type=code", "Token(GrantUnsupported)", "another grant"),
    ];
    for (body, expected, reason) in rows {
        assert_eq!(post(body), expected, "{body}: {reason}");
    }
}

#[test]
fn the_number_of_retries_is_the_number_of_other_backends() {
    let config = policy().read_by(Config::from_json);
    let further = |front, target: &str| {
        let target = target.replace("DIGEST", DIGEST);
        match plan(&config, &head(front, "GET", &target, ""), &NONE).action {
            Action::Forward(forwarding) => forwarding.retry.map(|retry| retry.further_attempts),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(further("m.example", "/v2/hub/a/blobs/DIGEST"), Some(2), "three backends");
    assert_eq!(further("u.example", "/v2/drycc/a/blobs/DIGEST"), Some(1), "two backends");
    assert_eq!(further("m.example", "/v2/robot/a/manifests/v1"), None, "the route says it");
}
