//! The URL of any blob of a store: a URL with places for the digest.

use crate::config::advice;
use crate::config::backend_url::BackendUrl;
use crate::config::wanted::Wanted;
use crate::grammar::Digest;

/// A URL template such as `https://bucket.s3.amazonaws.com/containers/images/{digest}`.
///
/// Only the path has places: the digest is the client's, and no bytes of a client choose a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobUrl {
    origin: BackendUrl,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `algorithm:encoded`.
    Digest,
    Algorithm,
    Encoded,
    /// The first two bytes of the encoded part, by which large directories are split.
    Shard,
}

/// What to write where the URL of a blob store is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "a URL such as `https://bucket.s3.us-east-1.amazonaws.com/images/{digest}`: \
     scheme `http` or `https`, no credentials, query or fragment, and in its path `{digest}`, or \
     `{encoded}` with `{algorithm}` and `{shard}` where they are needed",
    advice::url::of_blobs,
);

impl BlobUrl {
    /// Reads a template. One without a place for the digest would be one blob for all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at_checked(rest.find('/')?)?;
        let origin = BackendUrl::parse(&format!("{scheme}://{authority}"))?;
        let pieces = pieces(path)?;
        let names_the_blob =
            pieces.iter().any(|piece| matches!(piece, Piece::Digest | Piece::Encoded));
        (names_the_blob && has_plain_segments(path)).then_some(Self { origin, pieces })
    }

    /// Scheme, host and port.
    #[must_use]
    pub const fn origin(&self) -> &BackendUrl {
        &self.origin
    }

    /// Whether the path of every blob begins so.
    #[must_use]
    pub(crate) fn begins_with(&self, start: &str) -> bool {
        matches!(self.pieces.first(), Some(Piece::Text(text)) if text.starts_with(start))
    }

    /// The path of a blob. What a digest may consist of needs no escapes in a path and makes no
    /// segments (RFC 3986 section 3.3; OCI image spec, "Digests").
    #[must_use]
    pub fn path(&self, digest: &Digest<'_>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Digest => digest.as_str().to_owned(),
            Piece::Algorithm => digest.algorithm().to_owned(),
            Piece::Encoded => digest.encoded().to_owned(),
            Piece::Shard => digest.encoded().chars().take(2).collect(),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The whole URL of a blob, for a client.
    #[must_use]
    pub fn location(&self, digest: &Digest<'_>) -> String {
        self.origin.origin() + &self.path(digest)
    }
}

/// The path cut at its places; `None` if a brace is of no place, or a byte of no path.
fn pieces(path: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(match name {
            "digest" => Piece::Digest,
            "algorithm" => Piece::Algorithm,
            "encoded" => Piece::Encoded,
            "shard" => Piece::Shard,
            _ => return None,
        });
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    let plain = |piece: &Piece| match piece {
        Piece::Text(text) => text.bytes().all(is_path_byte) && has_whole_escapes(text),
        _ => true,
    };
    pieces.iter().all(plain).then_some(pieces)
}

/// `pchar` of RFC 3986, section 3.3, or a slash.
const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'%' | b'/')
}

fn has_whole_escapes(text: &str) -> bool {
    let digits = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    text.split('%').skip(1).all(digits)
}

/// Nothing that a client or a cache could take for another path.
fn has_plain_segments(path: &str) -> bool {
    path.split('/').skip(1).all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "46ab0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";

    #[test]
    fn a_digest_in_its_place() {
        let sha256 = format!("sha256:{HEX}");
        #[rustfmt::skip]
        let rows = [
            ("https://b.example/containers/images/{digest}", "https://b.example/containers/images/sha256:HEX", "as archeio"),
            ("https://b.example:8443/{algorithm}/{encoded}", "https://b.example:8443/sha256/HEX", "a directory for each algorithm"),
            ("http://b.example/docker/registry/v2/blobs/{algorithm}/{shard}/{encoded}/data", "http://b.example/docker/registry/v2/blobs/sha256/46/HEX/data", "as distribution keeps them"),
            ("https://b.example:443/x%2Fy/{algorithm}%3A{encoded}.bin", "https://b.example/x%2Fy/sha256%3AHEX.bin", "escapes stay"),
            ("https://b.example/{digest}{digest}", "https://b.example/sha256:HEXsha256:HEX", "twice is twice"),
        ];
        for (template, expected, reason) in rows {
            let url = BlobUrl::parse(template).unwrap_or_else(|| panic!("{template}: {reason}"));
            let location = url.location(&Digest::parse(sha256.as_bytes()).unwrap());
            assert_eq!(location.replace(HEX, "HEX"), expected, "{reason}");
        }
    }

    #[test]
    fn digests_of_other_algorithms() {
        let url = BlobUrl::parse("https://b.example/{algorithm}/{shard}/{encoded}").unwrap();
        #[rustfmt::skip]
        let rows = [
            ("sha256+b64u:L_=-x", "/sha256+b64u/L_/L_=-x", "an algorithm of two components"),
            ("blake3:x", "/blake3/x/x", "shorter than a shard"),
        ];
        for (digest, expected, reason) in rows {
            let digest = Digest::parse(digest.as_bytes()).unwrap();
            assert_eq!(url.path(&digest), expected, "{reason}");
        }
    }

    #[test]
    fn texts_that_are_no_template() {
        #[rustfmt::skip]
        let rows = [
            ("https://b.example", "no path"),
            ("https://b.example/blobs", "no place for the digest"),
            ("https://b.example/{algorithm}/{shard}", "not enough of the digest"),
            ("https://{digest}.example/x", "the client would choose the host"),
            ("https://b.example/{digest", "an open brace"),
            ("https://b.example/digest}", "a closing brace alone"),
            ("https://b.example/{name}/{digest}", "a store knows no repositories"),
            ("https://b.example/{Digest}", "lower case"),
            ("https://b.example/{digest}?sig=x", "a query"),
            ("https://b.example/{digest}#x", "a fragment"),
            ("https://b.example/../{digest}", "dot segments"),
            ("https://b.example//{digest}", "an empty segment"),
            ("https://b.example/{digest}/", "a directory is no blob"),
            ("https://b.example/%2/{digest}", "half an escape"),
            ("https://b.example/a b/{digest}", "a space"),
            ("https://user:secret@b.example/{digest}", "credentials"),
            ("ftp://b.example/{digest}", "another scheme"),
            ("b.example/{digest}", "no scheme"),
            ("/{digest}", "no host"),
        ];
        for (text, reason) in rows {
            assert_eq!(BlobUrl::parse(text), None, "{text}: {reason}");
        }
    }
}
