//! `portolan explain`: what the filter would do with a request, and why.
//!
//! The second host of the core: where the filter reads a request from Envoy, [`arguments`],
//! [`batch`] or [`logged`] read one from a person, a test or the access log, and [`answer`] shows
//! what the core decided.

mod answer;
mod arguments;
mod batch;
mod client;
mod first_host;
mod header;
mod human;
mod image;
mod logged;
mod regions;
mod replay;
mod request;
mod url;

use std::io::{self, Write};
use std::path::Path;

use portolan_command::output::{Exit, Results, complain, fail};
use portolan_command::policy_file::{self, LoadedPolicy};
use portolan_core::config::{Config, FrontAuth, Readers};
use serde_json::{Value, json};

use answer::{Answer, End, VERSION};
use arguments::Asked;
pub use arguments::ExplainArgs;
use request::{Encoding, Request};

/// Explains one request to `out`, or with `--batch` those that the standard input names.
///
/// # Errors
///
/// `out` cannot be written.
pub fn run(arguments: &ExplainArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let reads_requests = arguments.is_batch() || arguments.log() == Some("-");
    if reads_requests && arguments.policy() == Path::new("-") {
        return Ok(fail(
            "the standard input holds requests; name a file for the policy",
            Exit::Unusable,
        ));
    }
    let policy = match policy_file::load(arguments.policy()) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    if arguments.is_batch() {
        return batch::run(&policy.config, io::stdin().lock(), out);
    }
    if let Some(source) = arguments.log() {
        return replay::run(&policy.config, source, arguments.wants_json(), out);
    }
    one(&policy, arguments, out)
}

/// What becomes of a request that is written as a line of `--batch`, as the line that is printed
/// for it.
///
/// # Errors
///
/// Why the line is no request.
pub fn answer(config: &Config, line: &[u8]) -> Result<Value, String> {
    let (request, encoding) = batch::read(line, config)?;
    let text = Answer::to(&request, config, encoding).to_json(&[]);
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn one(
    policy: &LoadedPolicy,
    arguments: &ExplainArgs,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    let (asked, notes) = match arguments.asked(&policy.config) {
        Ok(asked) => asked,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    if arguments.all_regions() {
        return every_region(policy, &asked, arguments, out);
    }
    let [Asked { request, part: None, .. }] = asked.as_slice() else {
        return several(&asked, &notes, policy, arguments, out);
    };
    let answer = Answer::to(request, &policy.config, Encoding::Utf8);
    let notes = with_advice(&answer, request, &policy.config, notes);
    if arguments.wants_json() {
        writeln!(out, "{}", answer.to_json(&notes))?;
    } else {
        human::write(&answer, &notes, out)?;
    }
    Ok(Exit::Good)
}

/// Explains the requests for an image, one after the other.
fn several(
    asked: &[Asked],
    notes: &[String],
    policy: &LoadedPolicy,
    arguments: &ExplainArgs,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    let config = &policy.config;
    let mut requests = Vec::new();
    for (index, Asked { part, title, request }) in asked.iter().enumerate() {
        let answer = Answer::to(request, config, Encoding::Utf8);
        let notes = with_advice(&answer, request, config, notes.to_vec());
        if arguments.wants_json() {
            requests.push(json!({"part": part, "request": title, "answer": answer.to_value(), "notes": notes}));
            continue;
        }
        let separator = if index == 0 { "" } else { "\n" };
        writeln!(out, "{separator}{title}  ({})", part.unwrap_or("request"))?;
        human::write(&answer, &notes, out)?;
    }
    if arguments.wants_json() {
        writeln!(out, "{}", json!({"kind": "image", "version": VERSION, "requests": requests}))?;
    }
    Ok(Exit::Good)
}

/// Explains the same requests for a client of each region.
fn every_region(
    policy: &LoadedPolicy,
    asked: &[Asked],
    arguments: &ExplainArgs,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    let requests: Vec<Request> = asked.iter().map(|asked| asked.request.clone()).collect();
    let parts: Vec<&str> = asked.iter().map(|asked| asked.part.unwrap_or("request")).collect();
    let rows = regions::rows(&requests, &policy.config, &policy.document);
    if arguments.wants_json() {
        let rows = regions::json(&rows, &parts);
        writeln!(out, "{}", json!({"kind": "regions", "version": VERSION, "regions": rows}))?;
        return Ok(Exit::Good);
    }
    for line in regions::table(&rows, &parts) {
        writeln!(out, "{line}")?;
    }
    Ok(Exit::Good)
}

/// The notes, and what would let a refused client in.
fn with_advice(
    answer: &Answer<'_>,
    request: &Request,
    config: &Config,
    mut notes: Vec<String>,
) -> Vec<String> {
    let End::Reply { code: "DENIED" | "UNAUTHORIZED", .. } = answer.end else { return notes };
    let rule = config.rules().all().iter().find(|rule| Some(rule.name()) == answer.rule);
    let front = config.fronts().all().iter().find(|front| Some(front.name()) == answer.front);
    let wants_password = rule.is_some_and(|rule| {
        rule.writers() || matches!(rule.readers(), Some(Readers::Authenticated))
    });
    match front {
        Some(front) if wants_password && !matches!(front.auth(), FrontAuth::Basic(_)) => notes.push(format!(
            "the rule `{}` lets in clients with a password alone, and the front `{}` asks for none; give the front \
             `auth: {{basic: {{verifier: URL}}}}`",
            answer.rule.unwrap_or_default(),
            front.name()
        )),
        _ if !request.has_credentials => {
            notes.push("the client has not logged in; `--as USER` explains it for one that has".to_owned());
        }
        _ => {}
    }
    notes
}
