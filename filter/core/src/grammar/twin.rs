//! A second, slow implementation of the grammar, for tests only.
//!
//! The scanners are fast because each is written for one rule. Here the rules stand as the
//! specifications write them, and one matcher that tries every possibility interprets them.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows or slices wrongly fails, as it should"
)]

use std::collections::BTreeSet;

use Pattern::{Any, Class, Repeat, Sequence, Word};

/// A regular expression.
#[derive(Clone)]
pub(crate) enum Pattern {
    /// One byte out of a set.
    Class(fn(u8) -> bool),
    /// These bytes.
    Word(&'static str),
    /// One after the other.
    Sequence(Vec<Pattern>),
    /// Any one of them.
    Any(Vec<Pattern>),
    /// At least and at most so many times.
    Repeat(Box<Pattern>, usize, usize),
}

impl Pattern {
    /// Whether all of the bytes match.
    pub(crate) fn matches(&self, bytes: &[u8]) -> bool {
        self.ends(bytes, 0).contains(&bytes.len())
    }

    /// Every position at which a match that starts at `start` can end.
    fn ends(&self, bytes: &[u8], start: usize) -> BTreeSet<usize> {
        match self {
            Class(contains) => bytes
                .get(start)
                .filter(|byte| contains(**byte))
                .map(|_| start + 1)
                .into_iter()
                .collect(),
            Word(word) => {
                let found = bytes[start..].starts_with(word.as_bytes());
                found.then_some(start + word.len()).into_iter().collect()
            }
            Sequence(parts) => parts.iter().fold(BTreeSet::from([start]), |starts, part| {
                starts.into_iter().flat_map(|start| part.ends(bytes, start)).collect()
            }),
            Any(choices) => choices.iter().flat_map(|choice| choice.ends(bytes, start)).collect(),
            Repeat(part, least, most) => repeat(part, *least, *most, bytes, start),
        }
    }
}

fn repeat(
    part: &Pattern,
    least: usize,
    most: usize,
    bytes: &[u8],
    start: usize,
) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let mut current = BTreeSet::from([start]);
    for count in 0..=most {
        if count >= least {
            let known = all.len();
            all.extend(&current);
            if all.len() == known {
                break;
            }
        }
        current = current.into_iter().flat_map(|start| part.ends(bytes, start)).collect();
    }
    all
}

fn many(part: Pattern, least: usize) -> Pattern {
    Repeat(Box::new(part), least, usize::MAX)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, 255 bytes.
pub(crate) fn is_name(bytes: &[u8]) -> bool {
    let word = many(Class(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), 1);
    let separator = Any(vec![Word("."), Word("_"), Word("__"), many(Word("-"), 1)]);
    let component = Sequence(vec![word.clone(), many(Sequence(vec![separator, word]), 0)]);
    let name = Sequence(vec![component.clone(), many(Sequence(vec![Word("/"), component]), 0)]);
    bytes.len() < 256 && name.matches(bytes)
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
pub(crate) fn is_tag(bytes: &[u8]) -> bool {
    let first = Class(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let rest = Class(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    Sequence(vec![first, Repeat(Box::new(rest), 0, 127)]).matches(bytes)
}

/// A digest with a plain colon.
pub(crate) fn is_digest(bytes: &[u8]) -> bool {
    bytes.len() < 256 && digest(Word(":")).matches(bytes) && registered_algorithm_fits(bytes, ":")
}

/// A digest with a plain or an escaped colon.
pub(crate) fn is_digest_in_path(bytes: &[u8]) -> bool {
    let escaped = |colon: &'static str| {
        bytes.len() < 258
            && digest(Word(colon)).matches(bytes)
            && registered_algorithm_fits(bytes, colon)
    };
    is_digest(bytes) || escaped("%3A") || escaped("%3a")
}

fn digest(colon: Pattern) -> Pattern {
    let component = many(Class(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), 1);
    let separator = Class(|byte| b"+._-".contains(&byte));
    let more = many(Sequence(vec![separator, component.clone()]), 0);
    let encoded = many(Class(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte)), 1);
    Sequence(vec![component, more, colon, encoded])
}

fn registered_algorithm_fits(bytes: &[u8], colon: &str) -> bool {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let Some((algorithm, encoded)) = text.split_once(colon) else {
        return false;
    };
    let hexadecimal = encoded.chars().all(|character| "0123456789abcdef".contains(character));
    match algorithm {
        "sha256" => hexadecimal && encoded.len() == 64,
        "sha512" => hexadecimal && encoded.len() == 128,
        _ => true,
    }
}
