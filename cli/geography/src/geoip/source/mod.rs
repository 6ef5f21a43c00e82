//! The inputs: recognises what a file is and reads it into claims.

mod csv;
mod input;
mod mmdb;

use std::fs;
use std::path::Path;

use super::error::GeoipError;

pub(super) use csv::read as read_table;
pub(super) use input::Source;
pub(super) use mmdb::{is_database, open, read as read_database};

/// Reads a file of any known shape. `input` is its position on the command line.
///
/// # Errors
///
/// [`GeoipError::File`] if it cannot be read; else what is wrong, with the line or record.
pub(super) fn read(path: &Path, input: usize) -> Result<Source, GeoipError> {
    let bytes = read_file(path)?;
    if is_database(path, &bytes) {
        mmdb::read(path, bytes, input)
    } else if let Some(reason) = packed(&bytes) {
        Err(GeoipError::Unusable { path: path.to_owned(), reason })
    } else {
        csv::read(path, &bytes, input)
    }
}

/// The bytes of a file.
///
/// # Errors
///
/// [`GeoipError::File`].
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, GeoipError> {
    fs::read(path).map_err(|source| GeoipError::File {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

/// Public databases are published compressed; in CSV's eyes that would be a strange line 1.
fn packed(bytes: &[u8]) -> Option<String> {
    let (what, tool) = match bytes {
        [0x1f, 0x8b, ..] => ("gzip", "gunzip it (or tar -xzf, if it is an archive)"),
        [b'P', b'K', 3, 4, ..] => ("zip", "unzip it"),
        _ => return None,
    };
    Some(format!("compressed with {what}: {tool} and give the file inside"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn refusal(name: &str, bytes: &[u8]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        read(&path, 0).expect_err(name).to_string()
    }

    #[test]
    fn files_of_no_use_are_refused_with_what_to_do() {
        let cases: [(&str, &[u8], &str); 5] = [
            ("dbip.csv.gz", &[0x1f, 0x8b, 8, 0], "gunzip it"),
            ("dbip.zip", b"PK\x03\x04", "unzip it"),
            ("cut-off.mmdb", b"\0\0\0", "not a MaxMind DB"),
            // The marker decides, not the name.
            ("renamed.csv", b"\xab\xcd\xefMaxMind.com", "not a MaxMind DB"),
            ("table.csv", b"<html>\n", "line 1: `<html>` is neither an address nor a prefix"),
        ];
        for (name, bytes, message) in cases {
            let shown = refusal(name, bytes);
            assert!(shown.contains(message), "{name}: {shown}");
            assert!(shown.contains(name), "{name}: {shown}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let shown = read(Path::new("no/such.csv"), 0).unwrap_err().to_string();
        assert!(shown.starts_with("cannot read no/such.csv: "), "{shown}");
    }
}
