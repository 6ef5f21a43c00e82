//! Takes a database out of what it is packed in.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use tar::Archive;

/// How large a database may be, in bytes: several times the largest that is published.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// The database in a file: in an archive that is compressed, compressed alone, or as it is.
/// `member` is the name of the file in an archive.
///
/// # Errors
///
/// The file is of another kind, damaged, or has no such member, or several.
pub(super) fn unpack(bytes: Vec<u8>, member: Option<&str>) -> Result<Vec<u8>, String> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        read(MultiGzDecoder::new(bytes.as_slice()), "gzip")?
    } else {
        bytes
    };
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("is a zip archive: give a gzip or tar edition".to_owned());
    }
    // POSIX.1-2017, pax, "ustar Interchange Format": the field `magic`.
    if bytes.get(257..262) == Some(b"ustar") { of_archive(&bytes, member) } else { Ok(bytes) }
}

fn of_archive(bytes: &[u8], member: Option<&str>) -> Result<Vec<u8>, String> {
    let damaged = |error: std::io::Error| format!("is a damaged archive ({error})");
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in Archive::new(bytes).entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.display().to_string();
        let is_meant = member.map_or_else(|| is_database(&name), |member| name == member);
        if is_meant {
            let content = read(entry, "tar")?;
            found.push((name, content));
        }
    }
    match (found.pop(), found.pop()) {
        (Some((_, content)), None) => Ok(content),
        (Some((one, _)), Some((other, _))) => {
            Err(format!("has {other} and {one}; write which in `member`"))
        }
        (None, _) => Err(format!("has no {}", member.unwrap_or("file that ends in .mmdb or .csv"))),
    }
}

fn is_database(name: &str) -> bool {
    [".mmdb", ".csv"].iter().any(|end| name.ends_with(end))
}

fn read(packed: impl Read, what: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let size = packed.take(LARGEST).read_to_end(&mut bytes);
    let size = size.map_err(|error| format!("is damaged ({what}: {error})"))?;
    if u64::try_from(size).is_ok_and(|size| size >= LARGEST) {
        return Err(format!("has more than {LARGEST} bytes inside"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, content) in members {
            let mut header = Header::new_ustar();
            header.set_size(content.len().try_into().unwrap());
            header.set_cksum();
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// What comes, the member, what is in it or why not, and the reason.
    type Row = (Vec<u8>, Option<&'static str>, Result<&'static [u8], &'static str>, &'static str);

    #[test]
    fn databases_are_found_in_what_they_come_in() {
        let one = archive(&[("package/LICENSE", b"l"), ("package/x.mmdb", b"data")]);
        let two = archive(&[("v4.csv", b"4"), ("v6.csv", b"6")]);
        let mut cut = gzip(&one);
        cut.truncate(cut.len() / 2);
        #[rustfmt::skip] // one row a case
        let rows: [Row; 9] = [
            (b"data".to_vec(), None, Ok(b"data"), "as it is"),
            (gzip(b"data"), None, Ok(b"data"), "compressed"),
            (gzip(&one), None, Ok(b"data"), "a compressed archive"),
            (one.clone(), Some("package/LICENSE"), Ok(b"l"), "a member by name"),
            (two.clone(), Some("v6.csv"), Ok(b"6"), "one of two"),
            (two, None, Err("has v4.csv and v6.csv"), "one of two, not said which"),
            (one, Some("x.mmdb"), Err("has no x.mmdb"), "a member that is not there"),
            (cut, None, Err("is damaged (gzip"), "cut short"),
            (b"PK\x03\x04".to_vec(), None, Err("is a zip archive"), "another archive"),
        ];
        for (bytes, member, expected, reason) in rows {
            match (unpack(bytes, member), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
                (Err(found), Err(start)) => assert!(found.starts_with(start), "{reason}: {found}"),
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
    }
}
