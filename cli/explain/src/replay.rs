//! `portolan explain --log`: what a policy decides about requests of the access log, and what was
//! decided then.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use portolan_command::output::{Exit, Results, say};
use portolan_core::config::Config;
use portolan_core::plan;
use portolan_core::record::LogField;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{Answer, End, VERSION};
use super::human;
use super::logged::Logged;
use super::request::{Encoding, Request};

/// Something that was decided otherwise.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    /// The field of the access log; `chain` for who was asked.
    field: &'static str,
    logged: Option<String>,
    now: Option<String>,
}

/// A line, replayed.
struct Replayed<'c> {
    logged: Logged,
    request: Request,
    /// What the policy decides; `None` for what no filter saw.
    answer: Option<Answer<'c>>,
    differences: Vec<Difference>,
    notes: Vec<String>,
}

/// Replays a line, those of a file, or with `-` those of the standard input.
///
/// # Errors
///
/// The lines cannot be read or `out` cannot be written.
pub(super) fn run(
    config: &Config,
    source: &str,
    as_json: bool,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    if source.trim_start().starts_with('{') {
        return lines(config, source.as_bytes(), as_json, out);
    }
    if source == "-" {
        return lines(config, io::stdin().lock(), as_json, out);
    }
    match File::open(Path::new(source)) {
        Ok(file) => lines(config, BufReader::new(file), as_json, out),
        Err(error) => {
            say(format_args!(
                "error: `{source}` is neither a line of the access log nor a file: {error}"
            ));
            Ok(Exit::Unusable)
        }
    }
}

fn lines(
    config: &Config,
    input: impl BufRead,
    as_json: bool,
    out: &mut Results<impl Write>,
) -> io::Result<Exit> {
    let (mut count, mut differing) = (0_u64, 0_u64);
    // A single line is shown as a whole, and of several those that differ, in short.
    let mut first = None;
    for (line, number) in input.split(b'\n').zip(1_u64..) {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let logged = match Logged::read(&line) {
            Ok(Some(logged)) => logged,
            Ok(None) => continue,
            Err(message) => {
                say(format_args!("line {number}: {message}"));
                return Ok(Exit::Unusable);
            }
        };
        let replayed = Replayed::of(logged, config);
        count = count.saturating_add(1);
        differing = differing.saturating_add(u64::from(replayed.differs()));
        if as_json {
            writeln!(out, "{}", replayed.to_json())?;
        } else if count == 1 {
            first = Some(replayed);
        } else {
            let both = first.take().into_iter().chain([replayed]);
            both.filter(Replayed::differs)
                .try_for_each(|one| writeln!(out, "{}", one.in_short()))?;
        }
        if out.is_closed() {
            break;
        }
    }
    match first {
        Some(only) => only.write(out)?,
        None if as_json => {}
        None => writeln!(out, "{count} requests; {differing} would be decided otherwise now")?,
    }
    Ok(if differing > 0 { Exit::Refused } else { Exit::Good })
}

impl<'c> Replayed<'c> {
    fn of(logged: Logged, config: &'c Config) -> Self {
        let (request, mut notes) = logged.request(config);
        if !logged.was_decided() {
            notes.push(
                "Envoy refused the request before the filter saw it; no policy decides that"
                    .to_owned(),
            );
            return Self { logged, request, answer: None, differences: Vec::new(), notes };
        }
        let answer = Answer::to(&request, config, Encoding::Utf8);
        let answer = settled(answer, request.in_store.is_some());
        let class = plan(config, &request.head(), &request.facts()).record.kind.as_str();
        let differences = differences(&logged, &answer, class);
        Self { logged, request, answer: Some(answer), differences, notes }
    }

    const fn differs(&self) -> bool {
        !self.differences.is_empty()
    }

    fn title(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Request { method, authority, target, .. } = &self.request;
        format!("{} //{}{}", text(method), text(authority), text(target))
    }

    /// One line, of many.
    fn in_short(&self) -> String {
        let differences: Vec<String> = self.differences.iter().map(Difference::to_string).collect();
        let id = self.logged.text(LogField::RequestId).unwrap_or("-");
        format!("{id}  {}: {}", self.title(), differences.join("; "))
    }

    /// The whole of it, for a person.
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.title())?;
        let mut notes = self.notes.clone();
        let Some(answer) = &self.answer else {
            return notes.iter().try_for_each(|note| writeln!(out, "note  {note}"));
        };
        if self.differences.is_empty() {
            notes.push("it was decided like that when it was logged".to_owned());
        }
        human::write(answer, &notes, out)?;
        self.differences.iter().try_for_each(|one| writeln!(out, "differs: {one}"))
    }

    fn to_json(&self) -> Value {
        json!({
            "kind": "replay",
            "version": VERSION,
            "request_id": self.logged.text(LogField::RequestId),
            "time": self.logged.text(LogField::Time),
            "request": self.title(),
            "differences": self.differences,
            "answer": self.answer.as_ref().map(Answer::to_value),
            "notes": self.notes,
        })
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let Self { field, logged, now } = self;
        write!(out, "{field} was {}, is {}", shown(logged), shown(now))
    }
}

/// What becomes of the request, whether a store had the blob being known.
fn settled(answer: Answer<'_>, is_known: bool) -> Answer<'_> {
    match answer.end {
        End::Probe { otherwise, .. } if is_known => *otherwise,
        _ => answer,
    }
}

/// What the policy decides otherwise than it was decided. What came after the decision, such as
/// what backends answered, is none of it.
fn differences(logged: &Logged, answer: &Answer<'_>, class: &str) -> Vec<Difference> {
    let rows = [
        (LogField::Front, answer.front),
        (LogField::Region, Some(answer.region)),
        (LogField::Class, Some(class)),
        (LogField::Registry, answer.registry.as_deref()),
        (LogField::Rule, answer.rule),
        (LogField::SentTo, answer.sent_to),
    ];
    let fields = rows.into_iter().filter_map(|(field, now)| {
        let logged = logged.text(field);
        (logged != now).then(|| Difference::new(field.name(), logged, now))
    });
    fields.chain(chain(logged, answer)).chain(reason(logged, answer)).collect()
}

/// Who was asked is the beginning of who may be asked now, in this order.
fn chain(logged: &Logged, answer: &Answer<'_>) -> Option<Difference> {
    let now: &[&str] = match &answer.end {
        End::Forward { chain, .. } => chain,
        _ => &[],
    };
    let asked = logged.asked();
    let is_same = if asked.is_empty() {
        // A client that leaves early is served by nobody.
        now.is_empty() || !logged.was_answered_here()
    } else {
        now.starts_with(&asked)
    };
    let shown = |names: &[&str]| (!names.is_empty()).then(|| names.join(", "));
    (!is_same).then(|| Difference::new("chain", shown(&asked).as_deref(), shown(now).as_deref()))
}

/// Behind the reason of the decision the log has what went wrong later.
fn reason(logged: &Logged, answer: &Answer<'_>) -> Option<Difference> {
    let field = LogField::Reason;
    let logged = logged.text(field);
    let then = logged.unwrap_or_default();
    let is_same = then == answer.reason || then.starts_with(&format!("{}; ", answer.reason));
    (!is_same).then(|| Difference::new(field.name(), logged, Some(&answer.reason)))
}

impl Difference {
    fn new(field: &'static str, logged: Option<&str>, now: Option<&str>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self { field, logged: owned(logged), now: owned(now) }
    }
}
