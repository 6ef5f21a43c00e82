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
            text.chars().map(|character| if steers(character) { ' ' } else { character }).collect(),
        )
    }
}

/// Whether a terminal obeys a character, or shows what stands beside it in another order or not at
/// all (Unicode Standard Annex 9: directional formatting characters).
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
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
        let shown = Fault::new("a\u{202e}b\u{2066}c\u{9b}d\u{feff}e").to_string();
        assert_eq!(shown, "a b c d e");
        for hidden in "\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2069}".chars() {
            assert_eq!(Fault::new(hidden).to_string(), " ", "{hidden:?}");
        }
    }
}
