//! Fetches of tokens as scripts: requests, answers and results.

use super::*;

const REALM: &str = r#"Bearer realm="https://r.example/token",service="s""#;
const ELSEWHERE: &str = r#"Bearer realm="https://evil.example/token""#;

/// A status, and what else an answer has: a challenge, a place, or a body.
type Answer<'a> = (u16, &'a str);

struct Script<'a> {
    reason: &'a str,
    realm: &'a str,
    scope: &'a str,
    credential: &'a str,
    /// What is asked, with `!` before it where a credential goes with it; and what is answered.
    steps: &'a [(&'a str, Answer<'a>)],
    expected: &'a str,
}

fn run(script: &Script<'_>) {
    let source = Source {
        cluster: "r@token".into(),
        authority: "r.example".into(),
        realm: script.realm.into(),
        base_path: "/base".into(),
        service: String::new(),
        scope: script.scope.into(),
        credential: script.credential.into(),
    };
    let mut fetch = Fetch::new(source, None);
    let mut end = String::new();
    for (asked, (status, more)) in script.steps {
        assert_eq!(end, "", "{}: it is over before {asked}", script.reason);
        let mark = if fetch.credential().is_some() { "!" } else { "" };
        assert_eq!(format!("{mark}{}", fetch.target()), *asked, "{}", script.reason);
        let is_challenge = more.starts_with("Bearer");
        let challenges: &[&[u8]] = if is_challenge { &[more.as_bytes()] } else { &[] };
        let location = (300..400).contains(status).then_some(more.as_bytes());
        let body = more.as_bytes();
        let status = *status;
        let reply = ServiceReply { status, challenges, location, body, ..ServiceReply::default() };
        match fetch.answered(&reply) {
            Next::Ask => {}
            Next::Pin(pinned) => fetch.find(&pinned),
            Next::Settle(Outcome::Token { value, .. }) => end = value.expose().to_owned(),
            Next::Settle(outcome) => end = format!("{outcome:?}"),
        }
    }
    let complaint = fetch.complaint().map(|complaint| format!(", {complaint:?}"));
    let end = format!("{end}{}", complaint.unwrap_or_default());
    assert_eq!(end, script.expected, "{}", script.reason);
}

const PULL: &str = "repository:a/b:pull";
const DELETE: &str = "repository:a/b:delete";
const PUSH: &str = "repository:a/b:pull,push";
const ASK_PULL: &str = "/token?client_id=portolan&scope=repository%3Aa%2Fb%3Apull";
const ASK_DELETE: &str = "!/token?client_id=portolan&scope=repository%3Aa%2Fb%3Adelete";
const ASK_PUSH: &str = "!/token?client_id=portolan&scope=repository%3Aa%2Fb%3Apull%2Cpush";
const FOUND_PULL: &str = "/token?service=s&client_id=portolan&scope=repository%3Aa%2Fb%3Apull";
const FOUND_PUSH: &str =
    "/token?service=s&client_id=portolan&scope=repository%3Aa%2Fb%3Apull%2Cpush";
const TOKEN: Answer<'_> = (200, r#"{"token":"t"}"#);

#[test]
fn at_a_service_of_the_policy() {
    let script = |reason, scope, steps, expected| {
        run(&Script { reason, realm: "/token", scope, credential: "robot", steps, expected });
    };
    script("delete is understood", DELETE, &[(ASK_DELETE, TOKEN)], "t");
    script("Quay", DELETE, &[(ASK_DELETE, (400, "")), (ASK_PUSH, TOKEN)], "t");
    script(
        "understood by neither",
        DELETE,
        &[(ASK_DELETE, (400, "")), (ASK_PUSH, (400, ""))],
        "Denied(Access)",
    );
    script(
        "refused, not misunderstood: no second question, which could create a repository",
        DELETE,
        &[(ASK_DELETE, (403, ""))],
        "Denied(Access), Credential(403)",
    );
    script(
        "Quay's catalogue",
        "registry:catalog:*",
        &[
            ("!/token?client_id=portolan&scope=registry%3Acatalog%3A%2A", (400, "")),
            ("!/token?client_id=portolan", TOKEN),
        ],
        "t",
    );
    script(
        "a wrong password",
        PUSH,
        &[(ASK_PUSH, (401, ""))],
        "Denied(Credential), Credential(401)",
    );
    script("a name that cannot be", PUSH, &[(ASK_PUSH, (400, ""))], "Denied(Access)");
    script("trouble", PUSH, &[(ASK_PUSH, (502, ""))], "Unavailable { why: Status(502) }");
    script("redirected", PUSH, &[(ASK_PUSH, (301, "/token/?a=b")), ("!/token/?a=b", TOKEN)], "t");
    script(
        "redirected away: the credential stays here",
        PUSH,
        &[(ASK_PUSH, (307, "https://evil.example/token"))],
        "Denied(Access), RedirectElsewhere",
    );
    script(
        "redirected for ever",
        PUSH,
        &[
            (ASK_PUSH, (302, "/1")),
            ("!/1", (302, "/2")),
            ("!/2", (302, "/3")),
            ("!/3", (302, "/4")),
        ],
        "Denied(Access), RedirectElsewhere",
    );
}

#[test]
fn anonymously() {
    let script = |reason, steps, expected| {
        let (realm, scope, credential) = ("/token", PULL, "");
        run(&Script { reason, realm, scope, credential, steps, expected });
    };
    script("a token for everybody", &[(ASK_PULL, TOKEN)], "t");
    script("none for everybody", &[(ASK_PULL, (401, ""))], "Denied(Access)");
}

#[test]
fn where_the_backend_says_it() {
    let script = |reason, scope, steps, expected| {
        run(&Script { reason, realm: "", scope, credential: "", steps, expected });
    };
    script("on its ping", PULL, &[("/base/v2/", (401, REALM)), (FOUND_PULL, TOKEN)], "t");
    script(
        "behind a redirect of its ping",
        PULL,
        &[("/base/v2/", (308, "/base/v2")), ("/base/v2", (401, REALM)), (FOUND_PULL, TOKEN)],
        "t",
    );
    script(
        "its ping is for everybody: the read itself will tell",
        PULL,
        &[("/base/v2/", (200, ""))],
        "Denied(Access)",
    );
    script(
        "its ping is for everybody, and a write is tried once",
        PUSH,
        &[
            ("/base/v2/", (200, "")),
            ("/base/v2/a/b/tags/list?n=1", (401, REALM)),
            (FOUND_PUSH, TOKEN),
        ],
        "t",
    );
    script(
        "everything is for everybody",
        PUSH,
        &[("/base/v2/", (200, "")), ("/base/v2/a/b/tags/list?n=1", (404, ""))],
        "Denied(Access)",
    );
    script(
        "another host, on the ping",
        PULL,
        &[("/base/v2/", (401, ELSEWHERE))],
        "Denied(Access), RealmElsewhere",
    );
    script(
        "another host, at the repository",
        PUSH,
        &[("/base/v2/", (200, "")), ("/base/v2/a/b/tags/list?n=1", (401, ELSEWHERE))],
        "Denied(Access), RealmElsewhere",
    );
    script("it cannot say", PULL, &[("/base/v2/", (503, ""))], "Unavailable { why: Status(503) }");
    script("it limits", PULL, &[("/base/v2/", (429, ""))], "Unavailable { why: Limited(None) }");
}

#[test]
fn a_realm_that_was_found_is_not_looked_for_again() {
    let source = Source {
        cluster: "r@token".into(),
        authority: "r.example".into(),
        realm: String::new(),
        base_path: String::new(),
        service: "own".into(),
        scope: PULL.into(),
        credential: "robot".into(),
    };
    let pinned = Pinned { target: "/auth?x=y".into(), service: Some("s".into()) };
    let fetch = Fetch::new(source, Some(&pinned));
    assert_eq!(
        fetch.target(),
        "/auth?x=y&service=own&client_id=portolan&scope=repository%3Aa%2Fb%3Apull",
        "the policy's service counts more"
    );
    assert_eq!(fetch.credential(), Some("robot"));
}

#[test]
fn complaints_say_what_to_do() {
    let rows = [
        (Complaint::RealmElsewhere, "`realm`"),
        (Complaint::RedirectElsewhere, "`realm`"),
        (Complaint::Credential(401), "replace its file"),
        (Complaint::Credential(403), "403"),
    ];
    for (complaint, text) in rows {
        assert!(complaint.to_string().contains(text), "{complaint}");
    }
}
