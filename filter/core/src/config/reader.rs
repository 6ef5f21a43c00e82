//! Reads a [`Document`] field by field and collects every mistake on the way.
//!
//! `serde` with `deny_unknown_fields` stops at the first mistake. A person who mends a policy
//! wants all of them at once, so the wire form is read by hand from the plain document.

use crate::config::advice::shape::{self, Kind};
use crate::config::document::Document;
use crate::config::excerpt::excerpt;
use crate::config::fields::Table;
use crate::config::mistake::{Mistakes, Path};
use crate::config::nearest::{meant_field, nearest, unknown_field};
use crate::config::user_info;
use crate::config::wanted::Wanted;

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

    /// Records that this is a value of another kind than the one that is wanted.
    fn expected(&self, kind: Kind, wanted: Wanted<'_>) {
        self.refuse(shape::why(self.document, kind, wanted));
    }

    /// The string here, or a mistake that says `wanted`.
    pub(crate) fn string<'w>(&self, wanted: impl Into<Wanted<'w>>) -> Option<&'a str> {
        if let Document::String(text) = self.document {
            return Some(text);
        }
        self.expected(Kind::Text, wanted.into());
        None
    }

    /// The string here read as a `T`, or a mistake that quotes it and says what to write.
    pub(crate) fn parse<'w, T>(
        &self,
        wanted: impl Into<Wanted<'w>>,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Option<T> {
        let wanted = wanted.into();
        let text = self.string(wanted)?;
        let value = parse(text);
        if value.is_none() {
            self.refuse(wanted.refusal(text));
        }
        value
    }

    /// What the word here stands for, or a mistake that says which word was meant.
    pub(crate) fn word<'w, T: Copy>(
        &self,
        wanted: impl Into<Wanted<'w>>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let wanted = wanted.into();
        let text = self.string(wanted)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            self.refuse(match nearest(text, words.iter().map(|(word, _)| *word)) {
                Some(word) => format!("`{}` is not valid; did you mean `{word}`?", excerpt(text)),
                None => wanted.refusal(text),
            });
        }
        found.map(|(_, value)| *value)
    }

    /// Whether this is a mapping, where it may also be something else.
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.document, Document::Mapping(_))
    }

    /// The key and the number of a mapping that has nothing else.
    pub(crate) fn only_number(&self) -> Option<(String, u64)> {
        match self.document {
            Document::Mapping(entries) => match entries.as_slice() {
                [(key, Document::Number(number))] => Some((excerpt(key), number.as_u64()?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The boolean here.
    pub(crate) fn boolean(&self) -> Option<bool> {
        if let Document::Boolean(value) = self.document {
            return Some(*value);
        }
        self.expected(Kind::Flag, Wanted::from("`true` or `false`"));
        None
    }

    /// The whole number here.
    pub(crate) fn number<'w>(&self, wanted: impl Into<Wanted<'w>>) -> Option<u64> {
        if let Document::Number(number) = self.document
            && let Some(value) = number.as_u64()
        {
            return Some(value);
        }
        self.expected(Kind::Number, wanted.into());
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
    pub(crate) fn url<'w, T>(
        &self,
        wanted: impl Into<Wanted<'w>>,
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
    pub(crate) fn list<'w, T>(
        &self,
        wanted: impl Into<Wanted<'w>>,
        mut read: impl FnMut(Node<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Document::List(items) = self.document else {
            self.expected(Kind::List, wanted.into());
            return None;
        };
        let read = |(index, item)| read(Node::new(item, &self.path.item(index), self.mistakes));
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    /// Calls `read` for each entry of the mapping here and keeps what it makes; `None` if there
    /// is no mapping.
    pub(crate) fn entries<'w, T>(
        &self,
        wanted: impl Into<Wanted<'w>>,
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
    pub(crate) fn fields(&self, table: &'static Table) -> Fields<'a> {
        let (entries, is_told) = self.known_fields(table);
        Fields { entries, path: self.path, mistakes: self.mistakes, table, is_told }
    }

    /// The entries of a table, and whether all that is missing has been told.
    fn known_fields(&self, table: &'static Table) -> (&'a [(String, Document)], bool) {
        let entries = match self.document {
            Document::Null => &[],
            Document::Mapping(entries) => entries.as_slice(),
            other => {
                self.refuse(shape::not_fields(other, table));
                return (&[], true);
            }
        };
        if entries.is_empty() && !table.required().is_empty() {
            self.refuse(format!("is empty; write {}", all_of(&table.required())));
            return (&[], true);
        }
        if table.place.is_empty()
            && let Some(message) = shape::other_file(entries)
        {
            self.refuse(message);
            return (&[], true);
        }
        let mut goes_on = false;
        for (key, value) in entries {
            // `countries: CN, JP` between braces: that the first is no list is told already.
            goes_on = match value {
                Document::Null => goes_on && !table.has(key),
                Document::String(_) => table.field(key).is_some_and(|field| field.value.is_list()),
                _ => false,
            };
            let is_item = goes_on && matches!(value, Document::Null);
            if !table.has(key) && !is_item {
                self.mistakes.add(&self.path.key(key), unknown_field(key, table));
            }
        }
        (entries, false)
    }

    fn mapping<'w>(&self, wanted: impl Into<Wanted<'w>>) -> Option<&'a [(String, Document)]> {
        if let Document::Mapping(entries) = self.document {
            return Some(entries);
        }
        self.expected(Kind::Mapping, wanted.into());
        None
    }
}

/// `a`, `b` and `c`.
fn all_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The fields of one mapping.
pub(crate) struct Fields<'a> {
    entries: &'a [(String, Document)],
    path: &'a Path<'a>,
    mistakes: &'a Mistakes,
    table: &'static Table,
    /// Whether there is nothing more to say of fields that are missing.
    is_told: bool,
}

impl Fields<'_> {
    /// Reads a field that may be left out.
    pub(crate) fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Node<'_>) -> Option<T>,
    ) -> Option<T> {
        debug_assert!(self.table.has(name), "`{name}` is read but not a known field");
        let (_, document) = self.entries.iter().find(|(key, _)| key == name)?;
        read(Node::new(document, &self.path.key(name), self.mistakes))
    }

    /// Whether any field is there.
    pub(crate) fn any_written(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Whether any of these fields is there.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        self.entries.iter().any(|(key, _)| names.contains(&key.as_str()))
    }

    /// Whether there is such a field for every key: then none of them was meant as another.
    pub(crate) fn are_all_known(&self) -> bool {
        self.entries.iter().all(|(key, _)| self.table.has(key))
    }

    /// Whether a list has any item, be it one that cannot be read. What stands in place of a list
    /// counts as one: it has its own mistake.
    pub(crate) fn has_items(&self, name: &str) -> bool {
        let found = self.entries.iter().find(|(key, _)| key == name);
        found.is_some_and(|(_, value)| !matches!(value, Document::List(items) if items.is_empty()))
    }

    /// Reads a field that must be there; `wanted` says what belongs there.
    ///
    /// Where it is missing and another key was told to be a slip for it, that one is read in its
    /// place: all that refers to what is in it would be told as wrong besides.
    pub(crate) fn required<'w, T>(
        &self,
        name: &'static str,
        wanted: impl Into<Wanted<'w>>,
        read: impl FnOnce(Node<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.entries.iter().any(|(key, _)| key == name) {
            return self.optional(name, read);
        }
        let slip = self.meant_as(name);
        if let Some((key, document)) = slip
            && nearest(key, self.table.names()) == Some(name)
        {
            return read(Node::new(document, &self.path.key(key), self.mistakes));
        }
        if !self.is_told && slip.is_none() {
            let message = format!("`{name}` is missing; write {}", wanted.into());
            self.mistakes.add(self.path, message);
        }
        None
    }

    /// The unknown key that a field was meant by.
    fn meant_as(&self, name: &str) -> Option<&(String, Document)> {
        let is_meant = |(key, _): &&(String, Document)| {
            !self.table.has(key) && meant_field(key, self.table) == Some(name)
        };
        self.entries.iter().find(is_meant)
    }
}

#[cfg(test)]
mod tests;
