//! Since when replicas have not had what they should have, from one look to the next.
//!
//! A registry does not say when a tag was moved. What can be known is when this command has first
//! seen a difference, and that it has seen no agreement since: a replica is behind for at least as
//! long.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use portolan_command::moment::Moment;
use portolan_command::replace::replace;
use serde::{Deserialize, Serialize};

use super::state::State;

/// The version of the file.
const VERSION: u32 = 1;

/// The first look at each difference that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// By image and backend.
    differ_since: BTreeMap<(String, String), Moment>,
}

/// The file: seconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    differ: Vec<Difference>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    image: String,
    backend: String,
    since: Moment,
}

impl Memory {
    /// What a file remembers; nothing if there is no file yet.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is none of this command's.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        let written: Option<Written> = serde_json::from_slice(&text).ok();
        let written = written.filter(|written| written.version == VERSION).ok_or_else(|| {
            format!(
                "{} is no file of `portolan drift --remember`; name another, or remove it",
                path.display()
            )
        })?;
        let differ = written.differ.into_iter();
        let differ_since = differ.map(|one| ((one.image, one.backend), one.since)).collect();
        Ok(Self { differ_since })
    }

    /// Takes in how a replica is now; since when it has not had the same. Who cannot be asked is as
    /// it was.
    pub(super) fn note(
        &mut self,
        image: &str,
        backend: &str,
        state: State,
        now: Moment,
    ) -> Option<Moment> {
        let key = (image.to_owned(), backend.to_owned());
        match state {
            State::Same => {
                self.differ_since.remove(&key);
                None
            }
            State::Unknown => self.differ_since.get(&key).copied(),
            State::Differs | State::Missing => Some(*self.differ_since.entry(key).or_insert(now)),
        }
    }

    /// Writes the file, in one step.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn write(self, path: &Path) -> Result<(), String> {
        let differ = self.differ_since.into_iter();
        let differ = differ.map(|((image, backend), since)| Difference { image, backend, since });
        let written = Written { version: VERSION, differ: differ.collect() };
        let text = serde_json::to_vec(&written).map_err(|error| error.to_string())?;
        replace(path, &text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_begins_when_it_is_first_seen_and_ends_with_agreement() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("drift.json");
        let at = Moment::of_seconds;
        #[rustfmt::skip]
        let looks = [
            (State::Same, 10, None, "nothing to remember"),
            (State::Differs, 20, Some(20), "first seen"),
            (State::Differs, 30, Some(20), "it goes on"),
            (State::Unknown, 40, Some(20), "who cannot be asked is as it was"),
            (State::Missing, 50, Some(20), "not the same since"),
            (State::Same, 60, None, "it has caught up"),
            (State::Unknown, 65, None, "nothing is known to differ"),
            (State::Missing, 70, Some(70), "another difference"),
        ];
        for (state, now, expected, reason) in looks {
            let mut memory = Memory::read(&file).unwrap();
            assert_eq!(
                memory.note("a:v1", "west", state, at(now)),
                expected.map(at),
                "{now}: {reason}"
            );
            memory.write(&file).unwrap();
        }
        let mut memory = Memory::read(&file).unwrap();
        for (image, backend) in [("a:v1", "east"), ("a:v2", "west")] {
            assert_eq!(memory.note(image, backend, State::Unknown, at(80)), None, "another one");
        }
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("portolan.yaml");
        for text in ["version: 1", r#"{"version":2,"differ":[]}"#, r#"{"version":1}"#, ""] {
            fs::write(&file, text).unwrap();
            assert!(Memory::read(&file).unwrap_err().contains("is no file of"), "{text}");
        }
        assert!(Memory::read(place.path()).unwrap_err().starts_with("cannot read"));
    }
}
