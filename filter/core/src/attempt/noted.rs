//! What an attempt finds noted in its request: the list, and what has become of it so far.
//!
//! The attempt phase holds no policy, and one instance of it runs for the attempts of all lists. So
//! the phase that decides notes the list in the request, where no client can write.

use super::answers::Answers;
use super::overlap::Order;
use crate::contract::encoding::{self, Fields, Kind};

/// What an attempt finds noted, but for what its backend is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The keys of the backends of the list, in its order; none for a list of one.
    pub list: Vec<String>,
    /// Whether some of them are asked after the others.
    pub spares: bool,
    /// How the attempts of the request are made.
    pub order: Order,
    /// What the backends have answered.
    pub answers: Answers,
}

impl Noted {
    /// Reads the property; what is not understood is left out.
    #[must_use]
    pub fn parse(property: &[u8]) -> Self {
        let mut noted = Self::default();
        for (kind, fields) in encoding::records(property) {
            match kind {
                Kind::List => noted.list = keys(fields),
                Kind::Spared => noted.spares = true,
                Kind::Overlapping => noted.order = Order::Overlapping,
                Kind::OneByOne => noted.order = Order::OneByOne,
                Kind::Answer => noted.answers.take(fields),
                Kind::Request | Kind::Step | Kind::Asks => {}
            }
        }
        noted
    }

    /// Whether any backend has answered.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        !self.answers.is_empty()
    }
}

/// Adds the backends of the list to the property, by their keys
/// ([`Backend::key`](crate::config::Backend::key)). A list of one is not noted.
pub fn note_list<'n>(property: &mut Vec<u8>, list: impl Iterator<Item = &'n str>) {
    encoding::write(property, Kind::List, list.map(str::as_bytes));
}

/// The keys of the backends of the list, in its order; none for a list of one.
#[must_use]
pub fn list_of(property: &[u8]) -> Vec<String> {
    keys_of(property, Kind::List)
}

/// Adds the keys of those backends of the list that are asked after the others, and were none of
/// them asked before.
pub fn note_spared<'n>(property: &mut Vec<u8>, spared: impl Iterator<Item = &'n str>) {
    encoding::write(property, Kind::Spared, spared.map(str::as_bytes));
}

/// The keys of the backends that are asked after the others.
#[must_use]
pub fn spared_of(property: &[u8]) -> Vec<String> {
    keys_of(property, Kind::Spared)
}

fn keys_of(property: &[u8], wanted: Kind) -> Vec<String> {
    let mut records = encoding::records(property);
    records.find(|(kind, _)| *kind == wanted).map(|(_, fields)| keys(fields)).unwrap_or_default()
}

fn keys(fields: Fields<'_>) -> Vec<String> {
    let text = |key| std::str::from_utf8(key).map(str::to_owned);
    fields.map(text).collect::<Result<_, _>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::answers::{Answer, note};
    use super::*;

    #[test]
    fn attempts_find_the_list_and_who_of_it_is_spared() {
        let mut property = Vec::new();
        note_list(&mut property, ["a~1", "b~2"].into_iter());
        let found = Noted::parse(&property);
        assert_eq!((spared_of(&property).len(), found.spares), (0, false));
        assert!(!found.is_answered());
        note_spared(&mut property, ["a~1"].into_iter());
        note(&mut property, "a", Answer::Missed);
        let found = Noted::parse(&property);
        assert_eq!(
            (&list_of(&property), &found.list[..]),
            (&found.list, &["a~1", "b~2"].map(str::to_owned)[..])
        );
        assert_eq!((spared_of(&property), found.spares), (vec!["a~1".to_owned()], true));
        assert_eq!((found.answers, found.order), (Answers::parse(&property), Order::Always));
    }

    #[test]
    fn what_has_no_list_is_of_one() {
        let mut noted = Vec::new();
        note(&mut noted, "a", Answer::Missed);
        let mut broken = Vec::new();
        encoding::write(&mut broken, Kind::List, [&b"a"[..], b"\xff"].into_iter());
        for property in [&b""[..], b"another version", &noted, &broken] {
            assert!(list_of(property).is_empty() && spared_of(property).is_empty());
            assert!(Noted::parse(property).list.is_empty());
        }
    }
}
