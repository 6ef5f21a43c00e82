//! Why a request of a measurement failed.

use std::fmt;

/// Why a request did not do what it was sent for, in words that name the URL and whose move it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault in these words. What a server said in it is shown without control characters: a
    /// terminal obeys those.
    pub fn new(text: impl fmt::Display) -> Self {
        let text = text.to_string();
        Self(
            text.chars()
                .map(|character| if character.is_control() { ' ' } else { character })
                .collect(),
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_steer_the_terminal() {
        let shown = Fault::new("answered \u{1b}[2J\r\nthis").to_string();
        assert_eq!(shown, "answered  [2J  this");
    }
}
