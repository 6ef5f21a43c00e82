//! Content that is checked while it arrives.

use std::io::{self, Read};

use portolan_core::grammar::Digest;
use ring::digest::{Algorithm, Context, SHA256, SHA512};

use super::fault::Fault;

/// How much is read at once, in bytes: as much as a TLS record or a socket's buffer gives.
const PIECE: usize = 128 * 1024;

/// Reads content to its end and checks its digest; how many bytes it has.
///
/// # Errors
///
/// The content ends early, is longer than `limit`, or has another digest; or the digest is of an
/// algorithm that nobody here can compute.
pub fn check(mut content: impl Read, wanted: &Digest<'_>, limit: u64) -> Result<u64, Fault> {
    let mut hash = Context::new(algorithm(wanted)?);
    let bytes = drain(&mut content, limit, |piece| hash.update(piece))?;
    compare(hash, bytes, wanted).map(|()| bytes)
}

/// Compares the hash of that many bytes of content with the digest that it came for.
///
/// # Errors
///
/// It is another one.
pub fn compare(hash: Context, bytes: u64, wanted: &Digest<'_>) -> Result<(), Fault> {
    let found = hexadecimal(hash.finish().as_ref());
    if found == wanted.encoded() {
        return Ok(());
    }
    Err(Fault::new(format_args!(
        "{bytes} bytes with the digest {}:{found} came for {}; the content is damaged, or another's",
        wanted.algorithm(),
        wanted.as_str()
    )))
}

/// Reads content to its end and keeps it.
///
/// # Errors
///
/// The content ends early, or is longer than `limit`.
pub fn keep(mut content: impl Read, limit: u64) -> Result<Vec<u8>, Fault> {
    let mut kept = Vec::new();
    drain(&mut content, limit, |piece| kept.extend_from_slice(piece))?;
    Ok(kept)
}

/// Reads at most `most` bytes and forgets them; how many there were.
///
/// # Errors
///
/// The connection breaks before.
pub fn discard_body(content: impl Read, most: u64) -> Result<u64, Fault> {
    drain(&mut content.take(most), most, |_| ())
}

/// The SHA-256 of content in memory, as registries write it.
#[must_use]
pub fn sha256(content: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(ring::digest::digest(&SHA256, content).as_ref()))
}

fn drain(content: &mut impl Read, limit: u64, mut each: impl FnMut(&[u8])) -> Result<u64, Fault> {
    let mut buffer = vec![0; PIECE];
    let mut total = 0_u64;
    loop {
        let read = content.read(&mut buffer);
        let count = read.map_err(|error| broken(&error))?;
        let piece = buffer.get(..count).unwrap_or_default();
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if total > limit {
            return Err(Fault::new(format_args!(
                "more than the {limit} bytes came that were expected"
            )));
        }
        match piece {
            [] => return Ok(total),
            piece => each(piece),
        }
    }
}

/// A download that ended before the content did, or before its end was known.
#[must_use]
pub fn broken(error: &io::Error) -> Fault {
    Fault::new(format_args!("the download broke off: {error}"))
}

/// What computes a digest of this algorithm.
///
/// # Errors
///
/// Nobody here can.
pub fn algorithm(digest: &Digest<'_>) -> Result<&'static Algorithm, Fault> {
    match digest.algorithm() {
        "sha256" => Ok(&SHA256),
        "sha512" => Ok(&SHA512),
        other => {
            Err(Fault::new(format_args!("digests of the algorithm {other} cannot be checked here")))
        }
    }
}

/// Bytes in hexadecimal digits, in lower case.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks off after a few bytes, as a connection does.
    struct Broken<'a>(&'a [u8]);

    impl Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            if count == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(count) }
        }
    }

    // The SHA-256 and SHA-512 of "abc": FIPS 180-2, appendix B.1 and C.1.
    const SHA256_OF_ABC: &str =
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const SHA512_OF_ABC: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    #[test]
    fn content_has_its_digest_or_is_refused() {
        let rows = [
            ("abc", SHA256_OF_ABC, 3, Ok(3), "as it should be"),
            ("abc", SHA512_OF_ABC, 9, Ok(3), "the other algorithm"),
            ("abd", SHA256_OF_ABC, 3, Err("damaged"), "another byte"),
            ("ab", SHA256_OF_ABC, 3, Err("damaged"), "one byte short"),
            ("abc", SHA256_OF_ABC, 2, Err("more than the 2 bytes"), "longer than announced"),
            ("abc", "blake3:ba78", 3, Err("algorithm blake3"), "unknown"),
        ];
        for (content, digest, limit, wanted, reason) in rows {
            let digest = Digest::parse(digest.as_bytes()).unwrap();
            let found =
                check(content.as_bytes(), &digest, limit).map_err(|fault| fault.to_string());
            match (found, wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{reason}"),
                (Err(found), Err(wanted)) => assert!(found.contains(wanted), "{reason}: {found}"),
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
        assert_eq!(sha256(b"abc"), SHA256_OF_ABC);
    }

    #[test]
    fn a_broken_connection_is_said() {
        let digest = Digest::parse(SHA256_OF_ABC.as_bytes()).unwrap();
        let fault = check(Broken(b"abc"), &digest, 9).unwrap_err().to_string();
        assert!(fault.contains("broke off"), "{fault}");
    }

    #[test]
    fn skimming_ends_where_it_is_told() {
        assert_eq!(discard_body(&b"abcdef"[..], 4), Ok(4));
        assert_eq!(discard_body(&b"abc"[..], 4), Ok(3));
    }
}
