//! Diagnostics about a policy: one line for each mistake or warning.

use std::fmt;

use portolan_core::config::user_info::hidden_in_words;

use super::place::Place;

/// One thing to say about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is in a file.
    pub place: Place,
    /// Where it is in the document, such as `rules[0].owner`; may be empty.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// How bad it is. Derived order: the last is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is wrong with the policy; where Envoy runs something may be.
    Note,
    /// The policy works, but perhaps not as meant.
    Warning,
    /// The policy is refused.
    Mistake,
    /// There is no policy to judge: a file cannot be read.
    Unreadable,
}

impl Diagnostic {
    /// A mistake that has a place but no path.
    pub fn mistake(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Mistake, place, path: String::new(), message: message.into() }
    }

    /// A file that cannot be used at all.
    pub fn unusable(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Unreadable, ..Self::mistake(place, message) }
    }
}

/// `portolan.yaml:12:5: rules[0].owner: there is no backend …`, the form that editors jump by.
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", hidden_in_words(&self.place.to_string()))?;
        match self.severity {
            Severity::Note => formatter.write_str("note: ")?,
            Severity::Warning => formatter.write_str("warning: ")?,
            Severity::Mistake | Severity::Unreadable => {}
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", hidden_in_words(&self.path))?;
        }
        formatter.write_str(&hidden_in_words(&self.message))
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Position;
    use super::*;

    #[test]
    fn each_form() {
        let at = Place::at(&"p.yaml".into(), Position { line: 2, column: 3 });
        let whole = Place::whole(&"p.yaml".into());
        let rows = [
            (Severity::Mistake, &at, "a.b", "p.yaml:2:3: a.b: is wrong"),
            (Severity::Mistake, &at, "", "p.yaml:2:3: is wrong"),
            (Severity::Warning, &at, "a", "p.yaml:2:3: warning: a: is wrong"),
            (Severity::Note, &at, "a", "p.yaml:2:3: note: a: is wrong"),
            (Severity::Unreadable, &whole, "", "p.yaml: is wrong"),
        ];
        for (severity, place, path, expected) in rows {
            let diagnostic = Diagnostic {
                severity,
                place: place.clone(),
                path: path.to_owned(),
                message: "is wrong".to_owned(),
            };
            assert_eq!(diagnostic.to_string(), expected);
        }
    }
}
