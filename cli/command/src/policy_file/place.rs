//! Where each value of a document stands in its file.

use std::fmt;
use std::rc::Rc;

use portolan_core::config::Document;

/// A place in a file: `portolan.yaml:12:5`, or the file alone where no more is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: Rc<str>,
    position: Option<Position>,
}

/// A line and a column, both counted from 1; columns are counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// A position in a file.
    #[must_use]
    pub fn at(file: &Rc<str>, position: Position) -> Self {
        Self { file: Rc::clone(file), position: Some(position) }
    }

    /// A file as a whole.
    #[must_use]
    pub fn whole(file: &Rc<str>) -> Self {
        Self { file: Rc::clone(file), position: None }
    }

    /// Where in the file, if that is known.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// What the file is called.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// As compilers write it and editors find it (GNU coding standards, "Formatting Error Messages").
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        match self.position {
            Some(Position { line, column }) => write!(formatter, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// The places of a document, in its shape: one child for each item of a list and each entry of a
/// mapping, in the same order.
///
/// The place of an entry is that of its key: a mistake in a field is looked for at its name.
#[derive(Clone, Debug)]
pub(crate) struct PlaceTree {
    pub(crate) place: Place,
    pub(crate) children: Vec<PlaceTree>,
}

impl PlaceTree {
    /// The place of a value without parts.
    pub(crate) fn leaf(place: Place) -> Self {
        Self { place, children: Vec::new() }
    }

    /// Where `path` stands, a path as [`portolan_core::config::Mistake`] writes it. What is
    /// missing has no place of its own and is told at the nearest value around it.
    pub(crate) fn find(&self, document: &Document, path: &str) -> &Place {
        let (tree, _, _) = self.walk(document, path);
        &tree.place
    }

    /// The value at `path` and where it stands; `None` if there is none.
    pub(crate) fn at<'t, 'd>(
        &'t self,
        document: &'d Document,
        path: &str,
    ) -> Option<(&'d Document, &'t Place)> {
        let (tree, document, rest) = self.walk(document, path);
        rest.is_empty().then_some((document, &tree.place))
    }

    /// As far as `path` leads: the last value on the way, and what is left of the path.
    fn walk<'t, 'd, 'p>(
        &'t self,
        document: &'d Document,
        path: &'p str,
    ) -> (&'t Self, &'d Document, &'p str) {
        let (mut tree, mut document, mut rest) = (self, document, path);
        while let Some((child, value, after)) = tree.step(document, rest) {
            (tree, document, rest) = (child, value, after);
        }
        (tree, document, rest)
    }

    /// The child that a path goes to, and what follows its first step.
    fn step<'t, 'd, 'p>(
        &'t self,
        document: &'d Document,
        path: &'p str,
    ) -> Option<(&'t Self, &'d Document, &'p str)> {
        let (index, value, after) = match document {
            Document::List(items) => {
                let (index, after) = path.strip_prefix('[')?.split_once(']')?;
                let index = index.parse().ok()?;
                (index, items.get(index)?, after)
            }
            Document::Mapping(entries) => {
                let found = entries
                    .iter()
                    .enumerate()
                    .find_map(|(index, (key, value))| Some((index, value, strip_key(path, key)?)));
                found?
            }
            _ => return None,
        };
        Some((self.children.get(index)?, value, after))
    }
}

/// What follows `key` at the start of a path, if the path starts with this key.
fn strip_key<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let after = if is_plain(key) {
        path.strip_prefix('.').unwrap_or(path).strip_prefix(key)?
    } else {
        path.strip_prefix(&quoted(key))?
    };
    (after.is_empty() || after.starts_with(['.', '['])).then_some(after)
}

/// The path of an entry of the mapping at `parent`, as the core writes it.
#[must_use]
pub fn join(parent: &str, key: &str) -> String {
    if !is_plain(key) {
        format!("{parent}{}", quoted(key))
    } else if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

fn quoted(key: &str) -> String {
    format!("[{key:?}]")
}

/// Whether a key can stand after a dot without being misread.
fn is_plain(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !key.is_empty() && key.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    const POLICY: &str = "\
networks:
  aws:eu-west-1: [3.248.0.0/13,
                  10.0.0.0/8]
  office: []
rules:
- name: a
  chains: {eu: [x]}
  chains.eu: 1
";

    #[test]
    fn a_path_leads_to_its_key_or_to_the_nearest_place() {
        let (document, places) = yaml::read(POLICY, &"p.yaml".into()).unwrap();
        let rows = [
            ("", "p.yaml:1:1", "the whole file"),
            ("networks", "p.yaml:1:1", "a key"),
            ("networks.office", "p.yaml:4:3", "a key below"),
            (r#"networks["aws:eu-west-1"]"#, "p.yaml:2:3", "a quoted key"),
            (r#"networks["aws:eu-west-1"][1]"#, "p.yaml:3:19", "an item"),
            (r#"networks["aws:eu-west-1"][2]"#, "p.yaml:2:3", "no such item"),
            ("rules[0]", "p.yaml:6:3", "an item that is a mapping"),
            ("rules[0].name", "p.yaml:6:3", "its first key"),
            ("rules[0].owner", "p.yaml:6:3", "no such key"),
            ("rules[0].chains.eu[0]", "p.yaml:7:17", "deep"),
            (r#"rules[0]["chains.eu"]"#, "p.yaml:8:3", "a key with a dot"),
            ("rule", "p.yaml:1:1", "the start of a key is not the key"),
        ];
        for (path, expected, reason) in rows {
            let found = places.find(&document, path).to_string();
            assert_eq!(found, expected, "{path}: {reason}");
        }
    }

    #[test]
    fn joined_paths_are_found_again() {
        let (document, places) = yaml::read(POLICY, &"p.yaml".into()).unwrap();
        for key in ["aws:eu-west-1", "office"] {
            let path = join("networks", key);
            assert_ne!(*places.find(&document, &path), places.place, "{path}");
        }
        assert_eq!(join("", "rules"), "rules");
    }
}
