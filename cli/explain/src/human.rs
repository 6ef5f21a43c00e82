//! An answer as aligned lines.

use std::io::{self, Write};

use super::answer::{Answer, End};

/// Writes one line for each thing that is known, the notes last.
pub(super) fn write(answer: &Answer<'_>, notes: &[String], out: &mut impl Write) -> io::Result<()> {
    let lines = lines(answer, notes);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in lines {
        writeln!(out, "{name:width$}  {value}")?;
    }
    Ok(())
}

type Line = (&'static str, String);

fn lines(answer: &Answer<'_>, notes: &[String]) -> Vec<Line> {
    let mut lines = vec![
        ("front", answer.front.unwrap_or("none has this host").to_owned()),
        ("region", format!("{} ({})", answer.region, answer.located_by)),
    ];
    let known = [
        ("label", answer.label),
        ("country", answer.country.as_deref()),
        ("class", answer.class),
        ("registry", answer.registry.as_deref()),
        ("repository", answer.repository.as_deref()),
        ("rule", answer.rule),
        ("sent to", answer.sent_to),
    ];
    let known = known.into_iter();
    lines.extend(known.filter_map(|(name, value)| Some((name, value?.to_owned()))));
    lines.extend(end(&answer.end));
    lines.push(("reason", answer.reason.clone()));
    lines.extend(notes.iter().map(|note| ("note", note.clone())));
    lines
}

fn end(end: &End<'_>) -> Vec<Line> {
    match end {
        End::Forward {
            chain,
            backend,
            cluster,
            scheme,
            authority,
            path,
            followed,
            skipped,
            choice,
            none_up,
            ..
        } => {
            let mut lines = vec![
                ("chain", chain.join(", ")),
                ("backend", (*backend).to_owned()),
                ("cluster", (*cluster).to_owned()),
                ("upstream", format!("{scheme}://{authority}{path}")),
            ];
            lines.extend((!followed.is_empty()).then(|| ("followed", followed.join(", "))));
            lines.push(("choice", (*choice).to_owned()));
            lines.extend(skipped.iter().map(|one| {
                let why = match one.reason {
                    "no replica" => "not among the rule's `replicas`, so it may lack the tag",
                    reason => reason,
                };
                ("skipped", format!("{}: {why}", one.backend))
            }));
            let outage = "none of the chain is up: 503, with Retry-After";
            lines.extend(none_up.then(|| ("outage", outage.to_owned())));
            lines
        }
        End::Token { token_service_of, cluster, authority, scopes } => {
            let backend = token_service_of.as_deref();
            let mut lines = vec![("token service of", backend.unwrap_or("its form").to_owned())];
            lines.extend(cluster.iter().map(|cluster| ("cluster", cluster.clone())));
            lines.extend(authority.iter().map(|authority| ("upstream", authority.clone())));
            lines.extend(scopes.iter().map(|scope| ("scope", scope.clone())));
            lines
        }
        End::Probe { blob_store, probe, present, otherwise } => vec![
            ("blob store", (*blob_store).to_owned()),
            ("probe", format!("HEAD {probe}")),
            ("if there", in_short(present)),
            ("otherwise", in_short(otherwise)),
        ],
        End::Reply { status, code, headers, body } => {
            let mut lines = vec![("status", status.to_string()), ("code", (*code).to_owned())];
            lines.extend(headers.iter().map(|(name, value)| {
                ("header", format!("{name}: {}", value.as_str().unwrap_or_default()))
            }));
            lines.extend((!body.is_empty()).then(|| ("body", body.clone())));
            lines
        }
    }
}

/// Where a request ends, in one line.
fn in_short(answer: &Answer<'_>) -> String {
    let lines = end(&answer.end);
    let of = |name| lines.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str());
    let place = of("upstream").or(of("header")).unwrap_or_default();
    let status = of("status").map(|status| format!("{status} ")).unwrap_or_default();
    format!("{status}{place}; {}", answer.reason)
}
