//! How the phases of the filter hand each other values through Envoy's filter state: one encoding,
//! with a version.
//!
//! A property is one byte for the version, and records. A record is one byte for its kind, its
//! size, and its fields; a field is its size and its bytes. Sizes are four bytes, the lowest first.
//! So no byte of a value can end a field or begin a record, and a reader passes over a record that
//! is another backend's without looking into it.
//!
//! The filter of a listener and that of a cluster may come from different builds while Envoy takes
//! a changed configuration over. A property of another version is read as one without any record:
//! an attempt then finds nothing that was prepared for its backend, and is not made.

/// The version of what is written here. It changes with the meaning of any record.
pub const VERSION: u8 = b'3';

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What one backend is sent.
    Request,
    /// What one backend answered.
    Answer,
    /// The backends of the list.
    List,
    /// Those of them that are asked after the others.
    Spared,
    /// Two attempts of the request may be made at a time.
    Overlapping,
    /// The attempts of the request follow each other, though those of its list may overlap.
    OneByOne,
    /// A step of a redirect that is followed.
    Step,
    /// What the client asks besides the content.
    Asks,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Request,
        Self::Answer,
        Self::List,
        Self::Spared,
        Self::Overlapping,
        Self::OneByOne,
        Self::Step,
        Self::Asks,
    ];

    const fn byte(self) -> u8 {
        match self {
            Self::Request => b'r',
            Self::Answer => b'a',
            Self::List => b'l',
            Self::Spared => b'p',
            Self::Overlapping => b'v',
            Self::OneByOne => b'o',
            Self::Step => b's',
            Self::Asks => b'q',
        }
    }

    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'r' => Self::Request,
            b'a' => Self::Answer,
            b'l' => Self::List,
            b'p' => Self::Spared,
            b'v' => Self::Overlapping,
            b'o' => Self::OneByOne,
            b's' => Self::Step,
            b'q' => Self::Asks,
            _ => return None,
        })
    }
}

/// Writes a record behind those that a property has. Nothing is written behind what another version
/// has written: nobody could read both.
pub fn write<'f>(property: &mut Vec<u8>, kind: Kind, fields: impl Iterator<Item = &'f [u8]>) {
    match property.first() {
        None => property.push(VERSION),
        Some(&VERSION) => {}
        Some(_) => return,
    }
    property.push(kind.byte());
    let start = property.len();
    property.extend_from_slice(&size(0));
    for field in fields {
        property.extend_from_slice(&size(field.len()));
        property.extend_from_slice(field);
    }
    let written = property.len().saturating_sub(start).saturating_sub(SIZE);
    if let Some(place) = property.get_mut(start..).and_then(|rest| rest.first_chunk_mut()) {
        *place = size(written);
    }
}

/// Whether this version has written the property; an empty one has no version.
#[must_use]
pub fn is_readable(property: &[u8]) -> bool {
    property.first() == Some(&VERSION)
}

/// The records of a property, up to the first that is cut. One of a kind that is not known is
/// passed over.
pub fn records(property: &[u8]) -> impl Iterator<Item = (Kind, Fields<'_>)> {
    let rest = property.strip_prefix(&[VERSION]).unwrap_or_default();
    Records(rest).filter_map(|(byte, fields)| Some((Kind::of(byte)?, fields)))
}

struct Records<'p>(&'p [u8]);

impl<'p> Iterator for Records<'p> {
    type Item = (u8, Fields<'p>);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = self.0.split_first()?;
        let (fields, rest) = split(rest)?;
        self.0 = rest;
        Some((*kind, Fields(fields)))
    }
}

/// The fields of a record, in the order in which they were written.
#[derive(Clone, Debug)]
pub struct Fields<'p>(&'p [u8]);

impl<'p> Fields<'p> {
    /// The next field as text; `None` where there is none, or it is no UTF-8.
    pub fn text(&mut self) -> Option<&'p str> {
        std::str::from_utf8(self.next()?).ok()
    }

    /// `value`, unless a field is left that nobody has read: then the record is another one than
    /// was expected.
    pub fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

impl<'p> Iterator for Fields<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (field, rest) = split(self.0)?;
        self.0 = rest;
        Some(field)
    }
}

/// The bytes of one size.
const SIZE: usize = 4;

fn size(length: usize) -> [u8; SIZE] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// What a size is followed by, and what is behind that; `None` where it is cut.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<SIZE>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*size)).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Written = Vec<(Kind, Vec<Vec<u8>>)>;

    fn print(records: &Written) -> Vec<u8> {
        let mut property = Vec::new();
        for (kind, fields) in records {
            write(&mut property, *kind, fields.iter().map(Vec::as_slice));
        }
        property
    }

    fn read(property: &[u8]) -> Written {
        let all = records(property);
        all.map(|(kind, fields)| (kind, fields.map(<[u8]>::to_vec).collect())).collect()
    }

    #[test]
    fn the_bytes_of_a_property() {
        let rows: [(Written, &[u8], &str); 4] = [
            (vec![], b"", "nothing"),
            (vec![(Kind::OneByOne, vec![])], b"3o\0\0\0\0", "a record without fields"),
            (vec![(Kind::List, vec![vec![]])], b"3l\x04\0\0\0\0\0\0\0", "an empty field"),
            (
                vec![(Kind::List, vec![b"ab".to_vec(), b"c".to_vec()]), (Kind::OneByOne, vec![])],
                b"3l\x0b\0\0\0\x02\0\0\0ab\x01\0\0\0co\0\0\0\0",
                "two records",
            ),
        ];
        for (records, bytes, reason) in rows {
            assert_eq!(print(&records), bytes, "{reason}");
            assert_eq!(read(bytes), records, "{reason}");
        }
    }

    #[test]
    fn another_version_has_no_records_and_gets_none() {
        for other in [&b"1o\0\0\0\0"[..], b"\0", b"o\0\0\0\0", b"ghcr\t\t\t/v2/\tnothing\n"] {
            assert_eq!(read(other), [], "{other:?}");
            assert!(!is_readable(other));
            let mut more = other.to_vec();
            write(&mut more, Kind::OneByOne, std::iter::empty());
            assert_eq!(more, other);
        }
        assert!(!is_readable(b""));
    }

    #[test]
    fn a_record_of_an_unknown_kind_is_passed_over() {
        let known = (Kind::OneByOne, vec![]);
        assert_eq!(read(b"3?\x01\0\0\0xo\0\0\0\0"), [known]);
    }

    #[test]
    fn a_record_ends_with_its_last_field() {
        let property = print(&vec![(Kind::List, vec![b"a".to_vec(), b"\xff".to_vec()])]);
        let (_, mut fields) = records(&property).next().unwrap();
        assert_eq!((fields.text(), fields.end(1)), (Some("a"), None));
        assert_eq!((fields.text(), fields.end(1)), (None, Some(1)), "no text");
        assert_eq!(fields.next(), None);
    }

    fn any_records() -> impl Strategy<Value = Written> {
        let fields = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..5);
        prop::collection::vec((prop::sample::select(&Kind::ALL[..]), fields), 0..5)
    }

    proptest! {
        /// What was written is read, whatever bytes the fields have; of a cut property the whole
        /// records.
        #[test]
        fn what_is_written_is_read(records in any_records(), cut in any::<prop::sample::Index>()) {
            let property = print(&records);
            prop_assert_eq!(&read(&property), &records);
            let end = cut.index(property.len().saturating_add(1));
            let found = read(&property[..end]);
            prop_assert!(records.starts_with(&found));
            prop_assert_eq!(found.len() == records.len(), end == property.len() || records.is_empty());
        }

        /// Any bytes are read without harm, and what is read of them is read again when it was
        /// written.
        #[test]
        fn junk_is_harmless(mut junk in prop::collection::vec(any::<u8>(), 0..64), ours in any::<bool>()) {
            if ours {
                junk.insert(0, VERSION);
            }
            let found = read(&junk);
            prop_assert_eq!(read(&print(&found)), found);
        }
    }
}
