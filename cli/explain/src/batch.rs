//! `portolan explain --batch`: requests as JSON lines, answers as JSON lines.

use std::io::{self, BufRead, Write};

use portolan_command::output::{Exit, Results, say};
use portolan_core::config::Config;
use serde::Deserialize;

use super::answer::Answer;
use super::first_host::first_host;
use super::request::{Client, Encoding, Request};

/// A line of the input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    method: String,
    target: String,
    authority: Option<String>,
    address: Option<String>,
    peer: Option<String>,
    country: Option<String>,
    subdivision: Option<String>,
    continent: Option<String>,
    user_agent: Option<String>,
    #[serde(default)]
    has_credentials: bool,
    #[serde(default)]
    recently_pushed: bool,
    #[serde(default)]
    latin1: bool,
}

/// Answers every line of `input`; it ends at the first line that is no request.
///
/// # Errors
///
/// `input` cannot be read or `out` cannot be written.
pub(super) fn run(
    config: &Config,
    input: impl BufRead,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    for (line, number) in input.split(b'\n').zip(1_u64..) {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let (request, encoding) = match read(&line, config) {
            Ok(read) => read,
            Err(message) => {
                say(format_args!("<stdin>:{number}: {message}"));
                return Ok(Exit::Unusable);
            }
        };
        let answer = Answer::to(&request, config, encoding);
        writeln!(out, "{}", answer.to_json(&[]))?;
        if out.is_closed() {
            break;
        }
    }
    Ok(Exit::Good)
}

pub(super) fn read(line: &[u8], config: &Config) -> Result<(Request, Encoding), String> {
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| format!("this is not a request as one JSON object: {error}"))?;
    let encoding = if line.latin1 { Encoding::Latin1 } else { Encoding::Utf8 };
    let request = request(&line, encoding, config).ok_or_else(|| {
        "with `latin1` a character stands for a byte, so none is above U+00FF".to_owned()
    })?;
    Ok((request, encoding))
}

/// `None` if a character is no byte.
fn request(line: &Line, encoding: Encoding, config: &Config) -> Option<Request> {
    let bytes = |text: &Option<String>| match text {
        Some(text) => encoding.bytes(text).map(Some),
        None => Some(None),
    };
    Some(Request {
        method: encoding.bytes(&line.method)?,
        target: encoding.bytes(&line.target)?,
        authority: bytes(&line.authority)?.unwrap_or_else(|| first_host(config)),
        has_credentials: line.has_credentials,
        has_password: false,
        recently_pushed: line.recently_pushed,
        in_store: None,
        down: Vec::new(),
        client: Client {
            address: bytes(&line.address)?,
            peer: bytes(&line.peer)?,
            country: bytes(&line.country)?,
            subdivision: bytes(&line.subdivision)?,
            continent: bytes(&line.continent)?,
            user_agent: bytes(&line.user_agent)?,
        },
    })
}
