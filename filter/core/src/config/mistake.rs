//! A mistake in a policy, and its place.

use std::cell::RefCell;
use std::fmt;

use crate::config::user_info::hidden_in_words;

/// One mistake in a policy: where it is, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where in the document, for instance `rules[0].chains.eu[1]`; empty for the whole of it.
    pub path: String,
    /// One sentence or two for the person who wrote the policy.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = hidden_in_words(&self.message);
        if self.path.is_empty() {
            formatter.write_str(&message)
        } else {
            write!(formatter, "{}: {message}", hidden_in_words(&self.path))
        }
    }
}

/// A place in a document, as a chain of steps on the stack.
///
/// It becomes text only when there is something to complain about: a policy with 100,000
/// networks must not format 100,000 paths to find them all right.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(crate) fn key(&'p self, key: &'p str) -> Self {
        Self::Key(self, key)
    }

    pub(crate) fn item(&'p self, index: usize) -> Self {
        Self::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Root => Ok(()),
            Self::Item(parent, index) => write!(formatter, "{parent}[{index}]"),
            Self::Key(parent, key) if !is_plain(key) => write!(formatter, "{parent}[{key:?}]"),
            Self::Key(Self::Root, key) => formatter.write_str(key),
            Self::Key(parent, key) => write!(formatter, "{parent}.{key}"),
        }
    }
}

/// Whether a key can stand after a dot without being misread.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The mistakes found so far. All of them are reported, not the first.
#[derive(Default)]
pub(crate) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    pub(crate) fn add(&self, path: &Path<'_>, message: impl Into<String>) {
        self.0.borrow_mut().push(Mistake { path: path.to_string(), message: message.into() });
    }

    /// The same at the place that keys lead to from the root.
    pub(crate) fn add_at(&self, keys: &[&str], message: String) {
        fn descend(mistakes: &Mistakes, path: &Path<'_>, keys: &[&str], message: String) {
            match keys {
                [] => mistakes.add(path, message),
                [key, rest @ ..] => descend(mistakes, &path.key(key), rest, message),
            }
        }
        descend(self, &Path::Root, keys, message);
    }

    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T, Vec<Mistake>> {
        let mistakes = self.0.into_inner();
        match value {
            Some(value) if mistakes.is_empty() => Ok(value),
            _ => Err(mistakes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_the_file() {
        let root = Path::Root;
        let rules = root.key("rules");
        let first = rules.item(0);
        let networks = root.key("networks");
        let rows = [
            (root, ""),
            (rules, "rules"),
            (first, "rules[0]"),
            (first.key("owner"), "rules[0].owner"),
            (networks.key("aws:eu-west-1"), r#"networks["aws:eu-west-1"]"#),
            (networks.key("a.b"), r#"networks["a.b"]"#),
        ];
        for (path, text) in rows {
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn a_value_with_mistakes_is_no_value() {
        let mistakes = Mistakes::default();
        mistakes.add(&Path::Root.key("version"), "is missing");
        let found = mistakes.into_result(Some(())).unwrap_err();
        assert_eq!(found.first().map(ToString::to_string).as_deref(), Some("version: is missing"));
        assert_eq!(Mistakes::default().into_result(Some(1)), Ok(1));
    }
}
