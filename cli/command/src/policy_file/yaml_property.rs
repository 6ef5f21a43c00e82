//! What stands before a YAML value: an anchor, a tag, or an alias in its place (YAML 1.2.2,
//! sections 6.9 and 7.1).
//!
//! The parser resolves all three and tells about none. It does say where each node starts, which is
//! at its properties, and no plain text can start with `&`, `!` or `*`.

/// Looks at the starts of nodes in the order in which they stand in the text.
pub(super) struct Properties<'t> {
    rest: &'t str,
    index: usize,
}

/// What a node starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    /// Nothing, or an anchor.
    None,
    /// `*name`: the node is a copy of an earlier one.
    Alias,
    /// `!tag`, perhaps after an anchor.
    Tag,
}

impl<'t> Properties<'t> {
    /// The properties in a text.
    pub(super) const fn of(text: &'t str) -> Self {
        Self { rest: text, index: 0 }
    }

    /// What the node starts with whose first character is the `index`-th of the text. Each call
    /// must name the same place as the last one or a later one.
    ///
    /// The parser lets a block scalar (`|`) start at its text, so one whose text begins with `!`
    /// passes for tagged. No value of a policy begins so.
    pub(super) fn at(&mut self, index: usize) -> Property {
        let skipped = index.saturating_sub(self.index);
        let mut characters = self.rest.chars();
        if let Some(last) = skipped.checked_sub(1) {
            characters.nth(last);
        }
        self.rest = characters.as_str();
        self.index = self.index.max(index);
        of_start(self.rest)
    }
}

fn of_start(mut text: &str) -> Property {
    while text.starts_with('&') {
        text = text.trim_start_matches(|character: char| !character.is_whitespace());
        text = text.trim_start();
    }
    match text.chars().next() {
        Some('*') => Property::Alias,
        Some('!') => Property::Tag,
        _ => Property::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts() {
        let rows = [
            ("text", Property::None),
            ("", Property::None),
            ("'!text'", Property::None),
            ("*name", Property::Alias),
            ("!tag text", Property::Tag),
            ("!!str 5", Property::Tag),
            ("&name text", Property::None),
            ("&name !tag text", Property::Tag),
            ("&name\n  !tag text", Property::Tag),
            ("&a!b text", Property::None),
        ];
        for (text, expected) in rows {
            assert_eq!(of_start(text), expected, "{text}");
        }
    }

    #[test]
    fn places_are_counted_in_characters() {
        let mut properties = Properties::of("é: *é, !x");
        let found = [0, 0, 3, 7].map(|index| properties.at(index));
        let expected = [Property::None, Property::None, Property::Alias, Property::Tag];
        assert_eq!(found, expected);
    }
}
