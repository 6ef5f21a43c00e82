//! The reason for a refusal, in words of the policy that clients show to people.

use crate::config::wanted::Wanted;

/// What to write where a reason is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "one line for the people whose requests are refused, at most 200 characters, such as \
     \"the registry is being upgraded until 14:00 UTC\"",
    why,
);

/// The longest reason, in characters. Docker prints it behind the name of the error, on one line of
/// a terminal.
const LONGEST: usize = 200;

/// Reads a reason: one line of text that can be seen.
pub(crate) fn parse(text: &str) -> Option<String> {
    let is_line = !text.chars().any(char::is_control) && text.trim() == text;
    (is_line && (1..=LONGEST).contains(&text.chars().count())).then(|| text.to_owned())
}

fn why(text: &str) -> Option<String> {
    let length = text.chars().count();
    if length > LONGEST {
        return Some(format!("has {length} characters; write at most {LONGEST}"));
    }
    text.contains('\n').then(|| "has several lines; clients show one".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_that_can_be_read() {
        let longest = "é".repeat(LONGEST);
        for text in ["x", "the registry is being upgraded until 14:00 UTC", &longest] {
            assert_eq!(parse(text).as_deref(), Some(text));
        }
        for text in ["", " x", "x ", "a\nb", "a\u{1b}[31mb", &format!("{longest}x")] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert!(WANTED.refusal("a\nb").contains("has several lines"));
        assert!(WANTED.refusal(&"x".repeat(201)).contains("has 201 characters; write at most 200"));
    }
}
