//! `portolan explain`: what the filter would do with a request, and why.
//!
//! The second host of the core: where the filter reads a request from Envoy, [`arguments`] or
//! [`batch`] read one from a person or a test, and [`answer`] shows what the core decided.

mod answer;
mod arguments;
mod batch;
mod client;
mod human;
mod request;
mod url;

use std::io::{self, Write};
use std::path::Path;

pub(crate) use arguments::ExplainArgs;

use portolan_core::config::Config;
use serde_json::Value;

use crate::output::{Exit, Results, complain, say};
use crate::policy_file::{self, LoadedPolicy};
use answer::Answer;
use request::Encoding;

/// Explains one request to `out`, or with `--batch` those that the standard input names.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &ExplainArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    if arguments.is_batch() && arguments.policy() == Path::new("-") {
        return Ok(wrong(
            "with --batch the standard input holds requests; name a file for the policy",
        ));
    }
    let policy = match policy_file::load(arguments.policy()) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    if arguments.is_batch() {
        return batch::run(&policy.config, io::stdin().lock(), out);
    }
    one(&policy, arguments, out)
}

/// What becomes of a request that is written as a line of `--batch`, as the line that is printed for it.
///
/// # Errors
///
/// Why the line is no request.
pub(crate) fn answer(config: &Config, line: &[u8]) -> Result<Value, String> {
    let (request, encoding) = batch::read(line, config)?;
    let text = Answer::to(&request, config, encoding).to_json(&[]);
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn one(
    policy: &LoadedPolicy,
    arguments: &ExplainArgs,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    let (request, notes) = match arguments.request(&policy.config) {
        Ok(request) => request,
        Err(message) => return Ok(wrong(&message)),
    };
    let answer = Answer::to(&request, &policy.config, Encoding::Utf8);
    if arguments.wants_json() {
        writeln!(out, "{}", answer.to_json(&notes))?;
    } else {
        human::write(&answer, &notes, out)?;
    }
    Ok(Exit::Good)
}

/// Complains about the command itself.
fn wrong(message: &str) -> Exit {
    say(format_args!("error: {message}"));
    Exit::Unusable
}
