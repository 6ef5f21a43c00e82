//! The content of a node, read from the page on which Apache Traffic Server shows the URLs in its
//! store.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};

use portolan_core::grammar::Digest;

use super::kind::Kind;

/// No line about a URL is longer, in bytes; what is, is none.
const MOST_LINE: u64 = 64 * 1024;
/// With what the page ends when all of the store was looked at.
const END: &[u8] = b"<H3>Done</H3>";

/// Kind and digest of all that is on the page, each once.
///
/// # Errors
///
/// The page broke off.
pub(super) fn read(page: impl Read) -> io::Result<Vec<(Kind, String)>> {
    let mut page = BufReader::new(page);
    let mut found = BTreeSet::new();
    let mut is_whole = false;
    loop {
        let mut line = Vec::new();
        let count = page.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)?;
        if count == 0 {
            break;
        }
        is_whole |= line.windows(END.len()).any(|part| part == END);
        found.extend(of_line(&line));
    }
    if is_whole {
        Ok(found.into_iter().collect())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// The content that a line names: `NAME="http://…/v2/REPOSITORY/blobs/DIGEST?…"`.
fn of_line(line: &[u8]) -> Option<(Kind, String)> {
    let line = str::from_utf8(line).ok()?;
    let (_, url) = line.split_once("NAME=\"")?;
    let path = url.split(['"', '?']).next()?;
    let (rest, digest) = path.rsplit_once('/')?;
    let kind =
        Kind::ALL.into_iter().find(|kind| rest.ends_with(&format!("/{}", kind.in_paths())))?;
    let digest = Digest::parse(digest.as_bytes())?;
    Some((kind, digest.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(path: &str) -> String {
        let url = format!("http://127.0.0.1:8081{path}?front=main&region=default");
        format!(
            "<TR><TD><INPUT TYPE=CHECKBOX NAME=\"{url}\" onClick=\"addToUrlList(this)\"></TD><TD><B>{url}</B></TD></TR>\n"
        )
    }

    #[test]
    fn digests_of_a_listing() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let (a, b) = (digest("a"), digest("b"));
        let page = [
            "<INPUT TYPE=HIDDEN NAME=\"url\">\n".to_owned(),
            line(&format!("/v2/team/app/blobs/{b}")),
            line(&format!("/v2/team/blobs/manifests/{a}")),
            line(&format!("/v2/other/app/blobs/{b}")),
            line("/v2/team/app/blobs/sha256:short"),
            line("/elsewhere"),
            "<H3>Done</H3>\n".to_owned(),
        ]
        .concat();
        assert_eq!(read(page.as_bytes()).unwrap(), [(Kind::Blob, b), (Kind::Manifest, a)]);
        let half = page.strip_suffix("<H3>Done</H3>\n").unwrap();
        assert!(read(half.as_bytes()).is_err(), "it broke off");
        assert_eq!(read(&b"<H3>Done</H3>"[..]).unwrap(), []);
    }
}
