//! Reads the text of a policy file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::diagnostic::{Diagnostic, Severity};
use super::place::{Place, Position};

/// The largest file that is read. A policy with every published prefix of a cloud is below 1 MiB;
/// a file of this size is a wrong file, and reading it must not fill the memory.
const MAXIMUM_BYTES: u64 = 64 * 1024 * 1024;

/// The text of one file.
pub(super) struct Source {
    /// What the file is called in messages.
    pub(super) file: Rc<str>,
    /// Its text.
    pub(super) text: String,
    /// Whether its name ends in `.json`.
    pub(super) is_json: bool,
    /// The directory that relative paths in it start from.
    pub(super) directory: PathBuf,
}

/// Reads a file, or the standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Source, Diagnostic> {
    if path == Path::new("-") {
        let bytes = limited(io::stdin().lock(), MAXIMUM_BYTES);
        return Source::of(bytes, path, "<stdin>".into());
    }
    read_file(path)
}

/// Reads a file, whatever its name.
pub(super) fn read_file(path: &Path) -> Result<Source, Diagnostic> {
    let bytes = File::open(path).and_then(|file| limited(file, MAXIMUM_BYTES));
    Source::of(bytes, path, path.display().to_string().into())
}

impl Source {
    fn of(
        bytes: io::Result<Option<Vec<u8>>>,
        path: &Path,
        file: Rc<str>,
    ) -> Result<Self, Diagnostic> {
        let unreadable = |message| Diagnostic {
            severity: Severity::Unreadable,
            ..Diagnostic::mistake(Place::whole(&file), message)
        };
        let bytes = bytes.map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        let bytes = bytes.ok_or_else(|| {
            let mebibytes = MAXIMUM_BYTES >> 20;
            unreadable(format!("is larger than {mebibytes} MiB; a policy is not"))
        })?;
        Ok(Self {
            text: decode(bytes, &file)?,
            file,
            is_json: path.extension().is_some_and(|extension| extension == "json"),
            directory: path.parent().unwrap_or(Path::new("")).to_owned(),
        })
    }
}

/// The whole text of a reader, or `None` if that is more than `maximum` bytes.
fn limited(reader: impl Read, maximum: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = reader.take(maximum.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((read as u64 <= maximum).then_some(bytes))
}

fn decode(bytes: Vec<u8>, file: &Rc<str>) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|error| {
        let (sound, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let sound = String::from_utf8_lossy(sound);
        let place = Place::at(file, end_of(&sound));
        Diagnostic::mistake(place, of_bytes(error.as_bytes()))
    })
}

/// What bytes are that are no UTF-8.
fn of_bytes(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this is UTF-16; save the file as UTF-8",
        [0x1f, 0x8b, ..] => "this is packed by gzip; unpack it first",
        _ if bytes.contains(&0) => "this is no text; a policy is a file of YAML or JSON",
        _ => "this is not UTF-8; save the file in that encoding",
    }
}

/// The position behind the last character of a text.
fn end_of(text: &str) -> Position {
    let last_line = text.rsplit('\n').next().unwrap_or(text);
    Position {
        line: text.matches('\n').count().saturating_add(1),
        column: last_line.chars().count().saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_last_size_that_passes() {
        let rows = [(3, true), (4, true), (5, false)];
        for (size, passes) in rows {
            let bytes = vec![b'x'; size];
            let read = limited(bytes.as_slice(), 4).unwrap();
            assert_eq!(read.is_some(), passes, "{size}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_says_where() {
        let rows: [(&[u8], &str); 3] =
            [(b"\xff", "p:1:1"), (b"a: \xc3\xa9\xff", "p:1:5"), (b"a: 1\nb: \xff\n", "p:2:4")];
        for (bytes, place) in rows {
            let diagnostic = decode(bytes.to_vec(), &"p".into()).unwrap_err();
            assert_eq!(diagnostic.place.to_string(), place, "{bytes:?}");
        }
    }
}
