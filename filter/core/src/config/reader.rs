//! Reads a [`Document`] field by field and collects every mistake on the way.
//!
//! `serde` with `deny_unknown_fields` stops at the first mistake. A person who mends a policy
//! wants all of them at once, so the wire form is read by hand from the plain document.

use super::document::Document;
use super::mistake::{Mistakes, Path};
use super::user_info;

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    document: &'a Document,
    path: &'a Path<'a>,
    mistakes: &'a Mistakes,
}

impl<'a> Node<'a> {
    pub(crate) fn new(document: &'a Document, path: &'a Path<'a>, mistakes: &'a Mistakes) -> Self {
        Self { document, path, mistakes }
    }

    /// Records that this value is wrong.
    pub(crate) fn refuse(&self, message: impl Into<String>) {
        self.mistakes.add(self.path, message);
    }

    fn expected(&self, wanted: &str) {
        self.refuse(format!("is {}; write {wanted}", self.document.kind()));
    }

    /// The string here, or a mistake that says `wanted`.
    pub(crate) fn string(&self, wanted: &str) -> Option<&'a str> {
        if let Document::String(text) = self.document {
            return Some(text);
        }
        self.expected(wanted);
        None
    }

    /// The string here read as a `T`, or a mistake that quotes it and says `wanted`.
    pub(crate) fn parse<T>(
        &self,
        wanted: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        let text = self.string(wanted)?;
        let value = parse(text);
        if value.is_none() {
            self.refuse(format!("`{}` is not valid; write {wanted}", excerpt(text)));
        }
        value
    }

    /// Whether this is a mapping, where it may also be something else.
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.document, Document::Mapping(_))
    }

    /// The boolean here.
    pub(crate) fn boolean(&self) -> Option<bool> {
        if let Document::Boolean(value) = self.document {
            return Some(*value);
        }
        self.expected("`true` or `false`");
        None
    }

    /// The whole number here.
    pub(crate) fn number(&self, wanted: &str) -> Option<u64> {
        if let Document::Number(number) = self.document
            && let Some(value) = number.as_u64()
        {
            return Some(value);
        }
        self.expected(wanted);
        None
    }

    /// Records that a list without any item is wrong. A list whose items could not be read is not
    /// empty: each has its own mistake.
    pub(crate) fn refuse_empty(&self, message: &str) {
        if matches!(self.document, Document::List(items) if items.is_empty()) {
            self.refuse(message);
        }
    }

    /// The URL here read as a `T`, or a mistake. One with a user name or a password in it is not
    /// quoted; `instead` says where they belong.
    pub(crate) fn url<T>(
        &self,
        wanted: &str,
        instead: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        if let Document::String(text) = self.document
            && user_info::stands_in(text)
        {
            self.refuse(format!(
                "has a user name or a password in it, and URLs stand in logs; take it out, {instead}"
            ));
            return None;
        }
        self.parse(wanted, parse)
    }

    /// Calls `read` for each item of the list here and keeps what it makes; `None` if there is
    /// no list.
    pub(crate) fn list<T>(
        &self,
        wanted: &str,
        mut read: impl FnMut(Node<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Document::List(items) = self.document else {
            self.expected(wanted);
            return None;
        };
        let read = |(index, item)| read(Node::new(item, &self.path.item(index), self.mistakes));
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    /// Calls `read` for each entry of the mapping here and keeps what it makes; `None` if there
    /// is no mapping.
    pub(crate) fn entries<T>(
        &self,
        wanted: &str,
        mut read: impl FnMut(&'a str, Node<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let entries = self.mapping(wanted)?;
        let each = entries.iter().filter_map(|(key, value)| {
            read(key, Node::new(value, &self.path.key(key), self.mistakes))
        });
        Some(each.collect())
    }

    /// The mapping here as a set of known fields; any other field is a mistake.
    ///
    /// An absent value counts as an empty mapping, so that `default:` with nothing after it
    /// is the region without any criteria that it looks like.
    pub(crate) fn fields(&self, known: &'static [&'static str]) -> Fields<'a> {
        let entries = match self.document {
            Document::Null => &[],
            _ => self.mapping("a mapping").unwrap_or(&[]),
        };
        for (key, _) in entries {
            if !known.contains(&key.as_str()) {
                self.mistakes.add(&self.path.key(key), unknown_field(key, known));
            }
        }
        Fields { entries, path: self.path, mistakes: self.mistakes, known }
    }

    fn mapping(&self, wanted: &str) -> Option<&'a [(String, Document)]> {
        if let Document::Mapping(entries) = self.document {
            return Some(entries);
        }
        self.expected(wanted);
        None
    }
}

/// The fields of one mapping.
pub(crate) struct Fields<'a> {
    entries: &'a [(String, Document)],
    path: &'a Path<'a>,
    mistakes: &'a Mistakes,
    known: &'static [&'static str],
}

impl Fields<'_> {
    /// Reads a field that may be left out.
    pub(crate) fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Node<'_>) -> Option<T>,
    ) -> Option<T> {
        debug_assert!(self.known.contains(&name), "`{name}` is read but not a known field");
        let (_, document) = self.entries.iter().find(|(key, _)| key == name)?;
        read(Node::new(document, &self.path.key(name), self.mistakes))
    }

    /// Whether any field is there.
    pub(crate) fn any_written(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Whether a list has any item, be it one that cannot be read. What stands in place of a list
    /// counts as one: it has its own mistake.
    pub(crate) fn has_items(&self, name: &str) -> bool {
        let found = self.entries.iter().find(|(key, _)| key == name);
        found.is_some_and(|(_, value)| !matches!(value, Document::List(items) if items.is_empty()))
    }

    /// Reads a field that must be there; `wanted` says what belongs there.
    pub(crate) fn required<T>(
        &self,
        name: &'static str,
        wanted: &str,
        read: impl FnOnce(Node<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.entries.iter().all(|(key, _)| key != name) {
            let message = format!("`{name}` is missing; write {wanted}");
            self.mistakes.add(self.path, message);
            return None;
        }
        self.optional(name, read)
    }
}

/// At most the first 60 characters of a value, so that a message stays one line, and nothing that
/// could be a password in a URL.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown = user_info::hidden(text);
    let start = shown.chars().take(LONGEST).flat_map(char::escape_debug);
    let end = shown.chars().nth(LONGEST).map(|_| '…');
    start.chain(end).collect()
}

fn unknown_field(key: &str, known: &[&str]) -> String {
    let nearest = known.iter().min_by_key(|candidate| distance(key, candidate));
    match nearest {
        Some(name) if distance(key, name) <= 2 => {
            format!("there is no such field; did you mean `{name}`?")
        }
        _ => format!("there is no such field; the fields here are {}", join(known)),
    }
}

/// The items as `a`, `b`, `c`.
pub(crate) fn join<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    quoted.join(", ")
}

/// Levenshtein's distance between two names, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut next = vec![index.saturating_add(1)];
        for (b, pair) in right.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let before = next.last().copied().unwrap_or(0);
            let replaced = diagonal.saturating_add(usize::from(a != *b));
            next.push(replaced.min(above.saturating_add(1)).min(before.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(json: &str, read: impl FnOnce(Node<'_>)) -> Vec<String> {
        let document: Document = serde_json::from_str(json).unwrap();
        let mistakes = Mistakes::default();
        read(Node::new(&document, &Path::Root, &mistakes));
        match mistakes.into_result(Some(())) {
            Ok(()) => vec![],
            Err(found) => found.iter().map(ToString::to_string).collect(),
        }
    }

    fn read(node: Node<'_>, known: &'static [&'static str]) {
        let _ = node.fields(known);
    }

    #[test]
    fn every_mistake_is_found_not_the_first() {
        let json = r#"{"nmae":"x","port":"y","list":[1,"b",null]}"#;
        let found = messages(json, |node| {
            let fields = node.fields(&["name", "port", "list"]);
            fields.required("name", "a name", |name| name.string("a name").map(drop));
            fields.optional("port", |port| port.number("a port"));
            fields.optional("list", |list| {
                list.list("a list", |item| item.string("a name").map(drop))
            });
        });
        assert_eq!(
            found,
            [
                "nmae: there is no such field; did you mean `name`?",
                "`name` is missing; write a name",
                "port: is a string; write a port",
                "list[0]: is a number; write a name",
                "list[2]: is nothing; write a name",
            ]
        );
    }

    #[test]
    fn a_far_fetched_field_lists_the_known_ones() {
        let found = messages(r#"{"zzzzzz":1}"#, |node| read(node, &["name", "port"]));
        assert_eq!(found, ["zzzzzz: there is no such field; the fields here are `name`, `port`"]);
    }

    #[test]
    fn a_key_without_a_value_is_an_empty_mapping() {
        assert!(messages("null", |node| read(node, &["name"])).is_empty());
        assert_eq!(messages("[]", |node| read(node, &["name"])), ["is a list; write a mapping"]);
    }

    #[test]
    fn distances() {
        let rows = [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("ower", "owner", 1),
            ("kitten", "sitting", 3),
        ];
        for (left, right, expected) in rows {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_refused_value_is_quoted_safely_and_shortened() {
        let found = messages(&format!("\"a\\u0007{}\"", "b".repeat(100)), |node| {
            node.parse("a port", |text| text.parse::<u16>().ok());
        });
        let expected = format!("`a\\u{{7}}{}…` is not valid; write a port", "b".repeat(58));
        assert_eq!(found, [expected]);
    }
}
