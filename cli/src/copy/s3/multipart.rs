//! An upload in parts ("Uploading and copying objects using multipart upload", Amazon S3 user
//! guide), for blobs that are larger than a single request may be.

use std::io::{self, Read};

use portolan_core::grammar::Digest;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::Answer;

use super::signature::{query, sha256};
use super::xml::{element, escape};
use crate::copy::access::Call;
use crate::copy::store::{Store, Trouble, bare, trouble};
use crate::copy::verified::Verified;

/// The most parts that an upload may have.
const MOST_PARTS: u64 = 10_000;

/// How often a part is sent that does not arrive.
const ATTEMPTS: u32 = 3;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// What came of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::copy) enum Completed {
    /// The blob is there now.
    Now,
    /// Somebody else was faster.
    Before,
}

/// How large the parts are: as wanted, or as large as it takes to need no more than may be.
pub(in crate::copy) fn part_size(wanted: u64, size: u64) -> u64 {
    wanted.max(size.div_ceil(MOST_PARTS))
}

/// Sends a blob in parts of `part` bytes, each of which is in memory once. The store puts them
/// together only when the whole has its digest; if anything fails, it forgets them.
///
/// # Errors
///
/// The source or the store fails; [`Verified::fault`] says whether it was the source.
pub(in crate::copy) fn upload<R: Read>(
    store: &Store,
    digest: &Digest<'_>,
    content: &mut Verified<R>,
    part: u64,
) -> Result<Completed, Trouble> {
    let path = store.path(digest);
    let begun = store.send(&bare("POST", &path, "uploads="), Some((&mut io::empty(), 0)))?;
    if begun.status != 200 {
        return Err(trouble(begun));
    }
    let document = begun.into_bytes(LONGEST_ANSWER).map_err(Trouble::Passing)?;
    let id = element(&String::from_utf8_lossy(&document), "UploadId").ok_or_else(|| {
        Trouble::Every(Fault::new("the store began an upload in parts without naming it"))
    })?;
    let completed = parts(store, &path, &id, content, part)
        .and_then(|etags| complete(store, &path, &id, &etags));
    if completed != Ok(Completed::Now) {
        // If this fails too, the store has parts that nobody sees; its own rules remove them.
        let forgotten = store.send(&bare("DELETE", &path, &query(&[("uploadId", &id)])), None);
        let _ = forgotten.map(Answer::discard);
    }
    completed
}

/// Sends all parts; their tags. The last one is sent only when the whole is right.
fn parts<R: Read>(
    store: &Store,
    path: &str,
    id: &str,
    content: &mut Verified<R>,
    part: u64,
) -> Result<Vec<String>, Trouble> {
    let mut etags = Vec::new();
    let mut bytes = Vec::new();
    while content.rest() > 0 {
        bytes.clear();
        let mut piece = content.by_ref().take(part);
        let read = piece.read_to_end(&mut bytes);
        read.map_err(|error| Trouble::Passing(Fault::new(error)))?;
        let number = etags.len().saturating_add(1).to_string();
        let query = query(&[("partNumber", &number), ("uploadId", id)]);
        etags.push(send_part(store, path, &query, &bytes)?);
    }
    Ok(etags)
}

fn send_part(store: &Store, path: &str, query: &str, bytes: &[u8]) -> Result<String, Trouble> {
    let payload = sha256(bytes);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut attempt = 1;
    loop {
        let call = Call { method: "PUT", path, query, headers: Vec::new(), payload: &payload };
        let mut reader = bytes;
        let result = store.send(&call, Some((&mut reader, length)));
        let trouble = match result {
            Ok(answer) if answer.status == 200 => {
                let etag = answer.header("etag").map(str::to_owned);
                answer.discard();
                return etag.ok_or_else(|| {
                    Trouble::Every(Fault::new("the store took a part and gave it no ETag"))
                });
            }
            Ok(answer) => trouble(answer),
            Err(trouble) => trouble,
        };
        if attempt == ATTEMPTS || !matches!(trouble, Trouble::Passing(_)) {
            return Err(trouble);
        }
        attempt = attempt.saturating_add(1);
    }
}

fn complete(store: &Store, path: &str, id: &str, etags: &[String]) -> Result<Completed, Trouble> {
    let document = document(etags);
    let payload = sha256(document.as_bytes());
    let headers = Vec::from_iter(store.condition());
    let is_conditional = !headers.is_empty();
    let query = query(&[("uploadId", id)]);
    let call = Call { method: "POST", path, query: &query, headers, payload: &payload };
    let mut reader = document.as_bytes();
    let length = u64::try_from(document.len()).unwrap_or(u64::MAX);
    let answer = store.send(&call, Some((&mut reader, length)))?;
    match answer.status {
        200 => {
            // A store that works for a while begins its answer before it knows how it ends.
            let answer = answer.into_bytes(LONGEST_ANSWER).map_err(Trouble::Passing)?;
            let answer = String::from_utf8_lossy(&answer);
            match element(&answer, "Code") {
                None => Ok(Completed::Now),
                Some(code) => Err(Trouble::Passing(Fault::new(format_args!(
                    "the store could not put the parts together ({code})"
                )))),
            }
        }
        _ if is_conditional => store.unmet(answer).map(|()| Completed::Before),
        _ => Err(trouble(answer)),
    }
}

fn document(etags: &[String]) -> String {
    let part = |(number, etag): (usize, &String)| {
        let etag = escape(etag);
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: Vec<String> = (1_usize..).zip(etags).map(part).collect();
    let parts = parts.concat();
    format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}\
         </CompleteMultipartUpload>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_parts() {
        const MIB: u64 = 1 << 20;
        let rows = [
            (16 * MIB, 5 * 1024 * MIB, 16 * MIB, "as wanted"),
            (16 * MIB, 160_000 * MIB, 16 * MIB, "as many parts as may be"),
            (16 * MIB, 160_000 * MIB + 1, 16 * MIB + 1, "one more would be too many"),
        ];
        for (wanted, size, expected, reason) in rows {
            assert_eq!(part_size(wanted, size), expected, "{reason}");
        }
    }

    #[test]
    fn the_list_of_parts() {
        let found = document(&["\"a\"".to_owned(), "b&c".to_owned()]);
        assert!(found.ends_with(
            "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>b&amp;c</ETag></Part></CompleteMultipartUpload>"
        ));
    }
}
