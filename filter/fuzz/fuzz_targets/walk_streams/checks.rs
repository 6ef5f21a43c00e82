//! What must hold of each thing that a backend or a client gets.

use portolan_core::contract::headers::DOUBTFUL;
use portolan_core::oci::{Endpoint, parse};
use portolan_driver::StreamId;

use crate::Asked;
use crate::host::{Host, Sent, value};

/// The repository of a request, in the name that whoever is asked has for it.
fn repository(endpoint: &Endpoint<'_>) -> Option<String> {
    match endpoint {
        Endpoint::Manifest { name, .. }
        | Endpoint::Blob { name, .. }
        | Endpoint::Uploads { name }
        | Endpoint::Upload { name, .. }
        | Endpoint::Tags { name }
        | Endpoint::Referrers { name, .. } => Some(name.as_str().to_owned()),
        _ => None,
    }
}

/// What a backend got: the path, and what it was shown of who asks.
pub(crate) fn check_sent(asked: &Asked<'_>, backend: &str, sent: &Sent) {
    let target = &sent.header(":path").expect("every request has a path");
    let who = (sent.header("authorization"), sent.credential.as_deref());
    match backend {
        "hub" => assert!(
            matches!((who.0.as_deref(), who.1), (None | Some("Bearer of-hub"), None)),
            "{target}: {who:?}"
        ),
        "robot" => assert_eq!(who, (None, Some("c")), "{target}"),
        _ => assert_eq!(who, (None, None), "{target}"),
    }
    let inside =
        if backend == "hub" { target.strip_prefix("/base") } else { Some(target.as_str()) };
    let inside = inside.unwrap_or_else(|| panic!("{target} is not below the base path"));
    let front = parse(asked.method.as_bytes(), asked.target.as_bytes()).expect("it was taken");
    if backend == "open" && inside.starts_with("/uploads/") {
        return assert!(matches!(front.endpoint, Endpoint::Upload { .. }), "{target}");
    }
    let sent = parse(asked.method.as_bytes(), inside.as_bytes()).expect("what is sent is taken");
    assert_eq!(sent.endpoint.class(), front.endpoint.class());
    check_repository(asked, backend, (&front.endpoint, &sent.endpoint), target);
    if !sent.method.is_read() {
        assert_eq!(backend, "open", "a write goes to the owner alone: {target}");
    }
}

/// A front reaches its own repositories alone, and a backend is asked by its own name of one.
fn check_repository(
    asked: &Asked<'_>,
    backend: &str,
    (front, sent): (&Endpoint<'_>, &Endpoint<'_>),
    target: &str,
) {
    let (Some(name), Some(its)) = (repository(front), repository(sent)) else { return };
    let host = asked.authority.to_ascii_lowercase();
    let own = if host.starts_with("ours.example") { "team/" } else { "theirs/" };
    let tail = name.strip_prefix(own).unwrap_or_else(|| panic!("{host} reaches {name}"));
    let expected = match (backend, own) {
        ("robot", "team/") => format!("robots/{tail}"),
        _ => name.clone(),
    };
    assert_eq!(its, expected, "{backend} is asked for another repository");
    let query = target.split_once('?').map(|(_, query)| query).unwrap_or_default();
    // As the most lenient of servers reads it: Go before 1.17 split at `;` as well.
    let pairs: Vec<(String, String)> = query.split(['&', ';']).map(read_pair).collect();
    assert!(!query.split('&').any(|pair| pair.starts_with("ns=")), "{target}");
    if pairs.iter().any(|(name, _)| name == "mount") {
        for (_, from) in pairs.iter().filter(|(name, from)| name == "from" && !from.is_empty()) {
            assert!(from.starts_with(own), "{host} mounts from {from}");
        }
    }
}

fn read_pair(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (unescape(name), unescape(value))
}

/// Percent escapes and `+`, read by hand; what is no escape stays.
fn unescape(text: &str) -> String {
    let mut found = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|two| str::from_utf8(two).ok());
        let escaped = escaped.and_then(|two| u8::from_str_radix(two, 16).ok());
        found.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&found).into_owned()
}

/// What the client of a stream gets. `by` is the backend whose answer it is, and `missed` are those
/// that have answered that they lack it.
pub(crate) fn check_answer(
    asked: &Asked<'_>,
    host: &Host,
    stream: StreamId,
    by: Option<&str>,
    missed: &[&'static str],
) {
    let stream = &host.streams[&stream];
    let said = |name: &str| match &stream.reply {
        Some((reply, _)) => {
            let found = reply.headers.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.clone().into_bytes())
        }
        None => value(&stream.response, name),
    };
    for name in ["location", "link"] {
        let Some(value) = said(name) else { continue };
        let url = String::from_utf8_lossy(&value).to_ascii_lowercase();
        let url = url.trim_start_matches('<');
        // To any other host a read may be sent, as registries do with their stores.
        if let Some(own) = by.map(|backend| format!("{backend}.example")) {
            for start in [format!("https://{own}/"), format!("http://{own}/"), format!("//{own}/")]
            {
                assert!(!url.starts_with(&start), "{name} leads a client to {url}");
            }
        }
    }
    assert_eq!(said(DOUBTFUL), None, "a mark of the phases for each other");
    let status = said(":status").and_then(|status| String::from_utf8(status).ok());
    assert!(!status.is_some_and(|status| status.starts_with('1')), "no end of a request");
    // Nobody logs in here, so that there is nothing to show and nobody to show it to.
    assert_eq!(said("www-authenticate"), None, "a client is led to log in elsewhere");
    let is_missing =
        stream.reply.is_none() && matches!(said(":status").as_deref(), Some(b"404" | b"410"));
    if by.is_some() && is_missing {
        assert!(!missed.is_empty(), "{} {}: an outage is a 404", asked.method, asked.target);
    }
}
