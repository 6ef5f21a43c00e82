//! A finding of `doctor`, as a text and as JSON. The names of its fields are those of the JSON, and
//! stay.

use portolan_command::colour::Colour;
use serde::Serialize;

/// The version of the JSON.
const VERSION: u32 = 1;

/// How one thing is. Derived order: the last is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It could not be looked at, for a reason that is no fault.
    Skipped,
    /// It works, and somebody should look.
    Warning,
    /// It does not work.
    Failed,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    const fn colour(self) -> Colour {
        match self {
            Self::Ok => Colour::Green,
            Self::Skipped => Colour::None,
            Self::Warning => Colour::Yellow,
            Self::Failed => Colour::Red,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The part of the policy that it is about: `backend ghcr`, `front main`, `image team/app:v1`.
    pub(super) subject: String,
    /// What was looked at: `reachable`, `certificate`, `clock`, `token service`, `credential`,
    /// `files`, `replicas`.
    pub(super) check: &'static str,
    /// How it is.
    pub(super) state: State,
    /// One sentence.
    pub(super) message: String,
}

impl Finding {
    /// A finding about `subject`.
    pub(super) fn new(
        subject: &str,
        check: &'static str,
        state: State,
        message: impl Into<String>,
    ) -> Self {
        Self { subject: subject.to_owned(), check, state, message: message.into() }
    }
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    kind: &'static str,
    version: u32,
    /// When, as in RFC 3339.
    at: String,
    /// The worst of all.
    pub(super) status: State,
    findings: Vec<Finding>,
}

impl Report {
    /// All of it.
    pub(super) fn of(at: String, findings: Vec<Finding>) -> Self {
        let status = findings.iter().map(|found| found.state).max().unwrap_or(State::Ok);
        // What could not be looked at alone is no reason to look again.
        let status = if status == State::Skipped { State::Ok } else { status };
        Self { kind: "portolan.doctor", version: VERSION, at, status, findings }
    }

    /// For people: a line each, and how many there are of what at the end.
    pub(super) fn describe(&self, is_coloured: bool) -> String {
        let width = |of: fn(&Finding) -> &str| {
            self.findings.iter().map(|found| of(found).chars().count()).max().unwrap_or_default()
        };
        let (subject, check) = (width(|found| &found.subject), width(|found| found.check));
        let line = |found: &Finding| {
            let word = format!("{:<7}", found.state.word());
            let word = found.state.colour().paint(&word, is_coloured);
            format!(
                "{word}  {:<subject$}  {:<check$}  {}\n",
                found.subject, found.check, found.message
            )
        };
        let lines: String = self.findings.iter().map(line).collect();
        let count = |state| self.findings.iter().filter(|found| found.state == state).count();
        format!(
            "{lines}\n{} looked at: {} ok, {} to look at, {} failed\n",
            self.findings.len(),
            count(State::Ok),
            count(State::Warning),
            count(State::Failed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(state: State) -> Finding {
        Finding::new("backend a", "clock", state, "is right")
    }

    #[test]
    fn the_worst_counts() {
        use State::{Failed, Ok, Skipped, Warning};
        let rows: [(&[State], State); 5] = [
            (&[], Ok),
            (&[Ok, Skipped], Ok),
            (&[Ok, Warning, Skipped], Warning),
            (&[Failed, Warning], Failed),
            (&[Ok], Ok),
        ];
        for (states, expected) in rows {
            let report = Report::of(String::new(), states.iter().copied().map(found).collect());
            assert_eq!(report.status, expected, "{states:?}");
        }
    }

    #[test]
    fn as_text() {
        let mut all = vec![found(State::Ok), found(State::Failed)];
        all[1].check = "certificate";
        let report = Report::of(String::new(), all);
        let expected = "\
ok       backend a  clock        is right
failed   backend a  certificate  is right

2 looked at: 1 ok, 0 to look at, 1 failed
";
        assert_eq!(report.describe(false), expected);
        assert!(report.describe(true).starts_with("\u{1b}[32mok     \u{1b}[0m  backend a"));
    }
}
