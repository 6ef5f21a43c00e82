//! A whole request through the doors of the core: decision, attempts, what they mean together, the
//! answer.
//!
//! Five lines: method, host, target, `Authorization`, address; then a byte for each thing that the
//! host finds out or a backend answers. Properties: what is forwarded goes to clusters of the
//! policy alone, by targets that read back as the same request, a write to one backend, with
//! credentials of nobody else's; an outage is no 404; what the front answers by itself can stand in
//! headers, and leads to places of the policy alone.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portolan_core::attempt::{
    Answer, Answers, Case, Credentials, SentCredentials, ListFailure, Verdict, Wait, goes_on, judge, note, select,
};
use portolan_core::client::ClientFacts;
use portolan_core::config::{Backend, Config};
use portolan_core::health::HealthView;
use portolan_core::probe::Presence;
use portolan_core::oci::parse;
use portolan_core::reply::Reply;
use portolan_core::{Action, Facts, Forwarding, Need, Password, RequestHead, plan};

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let policy = br#"{
        "version": 1,
        "fronts": {
            "open": {"hosts": ["open.example"], "landing": {"/": "https://about.example/"}},
            "login": {"hosts": ["login.example"], "auth": {"upstream": {"login": "home"}}},
            "guarded": {"hosts": ["guarded.example"], "auth": {"basic": {"verifier": "http://127.0.0.1:9"}}},
            "many": {"hosts": ["many.example"], "default_upstream": "docker.io", "upstreams": {
                "docker.io": {"backend": "https://hub.example", "ns": ["docker.io"], "library": true, "hosts": ["hub.many.example"]},
                "ghcr.io": {"backend": "https://ghcr.example"}}}
        },
        "backends": {
            "home": {"url": "https://home.example/base", "auth": {"token": {"realm": "https://home.example/token", "service": "home"}},
                     "names": [{"front": "team/", "backend": "acme/"}]},
            "near": {"url": "https://near.example", "names": [{"front": "team/", "backend": "copies/"}, {"front": "own/", "backend": "mine/"}],
                     "auth": {"token": {"realm": "https://home.example/token", "service": "home"}}},
            "robot": {"url": "https://robot.example", "auth": "basic", "credential": "robot", "hides_missing": true},
            "free": {"url": "https://free.example"}
        },
        "blob_stores": {"east": {"url": "https://east.example/{digest}"}},
        "credentials": {"robot": {"file": "/etc/robot"}},
        "networks": {"office": ["198.51.100.0/24"]},
        "regions": {"office": {"labels": ["office"]}, "default": {}},
        "rules": [
            {"name": "team", "fronts": ["login"], "repositories": ["team/**"], "chains": {"default": ["near", "home"]}, "owner": "home", "replicas": ["near", "home"]},
            {"name": "own", "fronts": ["guarded"], "repositories": ["own/**"], "chains": {"default": ["robot"]}, "readers": "authenticated"},
            {"name": "sent", "fronts": ["open"], "repositories": ["sent/**"], "chains": {"default": ["free"]}, "client_redirects": {"classes": ["manifests", "blobs"], "stores": "east"}},
            {"name": "rest", "fronts": ["open"], "repositories": ["open/**"], "chains": {"default": ["free"]}, "owner": "free"}
        ]
    }"#;
    Config::from_json(policy).unwrap_or_else(|found| panic!("{found:#?}"))
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(6, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, authority, target) = (line(), line(), line());
    let authorization = Some(line()).filter(|value| !value.is_empty());
    let client = ClientFacts { address: Some(line()), ..ClientFacts::default() };
    let mut found_out = line().iter().copied();
    let head = RequestHead {
        method,
        target,
        scheme: b"https",
        authority,
        authorization,
        client,
        ..RequestHead::default()
    };
    let mut facts = Facts::default();
    // Each fact is needed once, so that the sixth plan has an end.
    for _ in 0..6 {
        let mut next = || found_out.next().unwrap_or_default();
        match plan(&CONFIG, &head, &facts).action {
            Action::Forward(forwarding) => {
                let answers: Vec<u8> = (0..4).map(|_| next()).collect();
                return check_forwarding(&head, &forwarding, &answers);
            }
            Action::Reply(reply) => return check_reply(&reply),
            Action::Token(_) | Action::Scrape => return,
            Action::Need(Need::Tag(_)) => facts.tag_was = Some(None),
            Action::Need(Need::RecentPush(_)) => facts.recently_pushed = Some(next() & 1 == 0),
            Action::Need(Need::Password(_)) => {
                facts.password = Some(
                    [Password::Right, Password::Wrong, Password::Unknown][usize::from(next() % 3)],
                );
            }
            Action::Need(Need::BackendHealth { .. }) => facts.health = Some(HealthView::Unknown),
            Action::Need(Need::Content(_)) => {
                facts.in_repository = Some(
                    [Presence::Present, Presence::Absent, Presence::Unknown]
                        [usize::from(next() % 3)],
                );
            }
            Action::Need(Need::BlobPresence(_)) => {
                facts.in_store = Some(
                    [Presence::Present, Presence::Absent, Presence::Unknown]
                        [usize::from(next() % 3)],
                );
            }
        }
    }
    panic!("a fact was needed twice");
});

fn check_forwarding(head: &RequestHead<'_>, forwarding: &Forwarding<'_>, statuses: &[u8]) {
    let list = forwarding.forward.list;
    assert_eq!(forwarding.cluster, list.cluster());
    let members: Vec<&Backend> =
        list.backends().iter().map(|id| CONFIG.backend(*id).expect("of the policy")).collect();
    assert!(!members.is_empty() && members.len() == forwarding.receipt.targets.len());
    if forwarding.receipt.writes {
        assert_eq!(members.len(), 1, "a write has one home");
    }
    for (backend, target) in members.iter().zip(&forwarding.receipt.targets) {
        check_target(head, backend, target);
        let prepared = forwarding.prepared.as_deref();
        if let Some(part) =
            prepared.and_then(|property| select(property, backend.name().as_bytes()))
        {
            check_credentials(head, backend, &part.credentials);
        }
    }
    check_attempts(forwarding, &members, statuses);
}

/// What the backend gets is a request of the API, below the base path, for one repository.
fn check_target(head: &RequestHead<'_>, backend: &Backend, target: &[u8]) {
    assert!(target.iter().all(u8::is_ascii_graphic), "{}", target.escape_ascii());
    let inside =
        target.strip_prefix(backend.url().base_path().as_bytes()).expect("below the base path");
    let again = parse(head.method, inside).expect("what is forwarded is what would be taken");
    assert_eq!(
        again.endpoint.class(),
        parse(head.method, head.target).expect("it was taken").endpoint.class()
    );
    // A second question mark is part of a name or a value (RFC 3986 section 3.4).
    let query = inside.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    let has_namespace = query.split(|byte| *byte == b'&').any(|pair| pair.starts_with(b"ns="));
    assert!(!has_namespace, "{}", target.escape_ascii());
}

fn check_credentials(head: &RequestHead<'_>, backend: &Backend, credentials: &Credentials<'_>) {
    match credentials {
        Credentials::Client(value) => {
            assert!(
                matches!(backend.name(), "home" | "near"),
                "only these have clients that log in"
            );
            let sent = head.authorization.unwrap_or_default();
            assert!(sent.ends_with(value) || value.len() < sent.len(), "more than the client sent");
        }
        Credentials::Injected(name) => assert_eq!((backend.name(), &**name), ("robot", "robot")),
        Credentials::Token(source) => assert_eq!(source.authority, "home.example"),
        Credentials::Nothing | Credentials::NothingEver => {}
    }
}

/// Every backend answers something; together they are judged as the filter does it.
fn check_attempts(forwarding: &Forwarding<'_>, members: &[&Backend], statuses: &[u8]) {
    const STATUSES: [u16; 14] =
        [200, 401, 403, 404, 407, 408, 410, 429, 451, 500, 502, 503, 599, 600];
    let names: Vec<String> = members.iter().map(|backend| backend.name().to_owned()).collect();
    let mut property = forwarding.prepared.clone().unwrap_or_default();
    let mut last = (200, members[0].name());
    let mut missed = 0;
    for (backend, byte) in members.iter().zip(statuses) {
        last = (STATUSES[usize::from(*byte) % STATUSES.len()], backend.name());
        let Some(answer) = Answer::of(last.0, SentCredentials::Nothing, Wait::UNKNOWN) else { break };
        missed += usize::from(answer == Answer::Missed);
        let before = Answers::parse(&property);
        let attempt = portolan_core::attempt::Attempt {
            spared: &[],
            list: &names,
            backend: backend.name(),
            is_authority: false,
        };
        if let Some(next) = goes_on(attempt, answer, &before) {
            let asked: Vec<&str> =
                names.iter().map(String::as_str).filter(|name| before.of(name).is_some()).collect();
            assert!(
                !asked
                    .iter()
                    .any(|name| next.trim_end_matches("@last").split('+').any(|one| one == *name)),
                "{next}"
            );
        }
        note(&mut property, backend.name(), answer);
    }
    let answers = Answers::parse(&property);
    let case = Case {
        status: last.0,
        answered: Some(last.1),
        authority: None,
        proxy_authenticated: false,
        clients_log_in: true,
    };
    let verdict = judge(&case, &members.iter().map(|backend| backend.name()), &answers);
    let says_missing = matches!((verdict, last.0), (Verdict::Pass, 404 | 410))
        || matches!(verdict, Verdict::Replace(ListFailure::Absent | ListFailure::Missing));
    assert!(
        !says_missing || missed == members.len(),
        "an outage is no 404: {verdict:?} {answers:?}"
    );
}

fn check_reply(reply: &Reply) {
    assert!((200..600).contains(&reply.status));
    for (name, value) in &reply.headers {
        assert!(
            value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)),
            "{name}: {value}"
        );
        if *name == "location" {
            let places = [
                "https://about.example/",
                "https://east.example/sha256:",
                "https://east.example/sha512:",
                "https://free.example/v2/",
            ];
            let is_declared = places.iter().any(|place| value.starts_with(place));
            assert!(is_declared || value.starts_with("https://east.example/"), "{value}");
        }
    }
}
