//! Content that is hashed while it is sent on, and whose end is held back until its digest is
//! right.

use std::io::{self, ErrorKind, Read};

use portolan_core::grammar::Digest;
use portolan_registry_client::content::{algorithm, broken, compare};
use portolan_registry_client::fault::Fault;
use ring::digest::Context;

/// The content of a source, on its way to a store.
///
/// The store is told how many bytes come, and is sent the last ones only after the source's end was
/// read and the digest is right. A store does not keep a body that breaks off, so it never has
/// whole content under the digest of other content.
pub(super) struct Verified<R> {
    source: R,
    hash: Context,
    digest: Digest<'static>,
    size: u64,
    read: u64,
    fault: Option<Fault>,
}

impl<R: Read> Verified<R> {
    /// The content of `source`, which has to have `size` bytes and this digest.
    ///
    /// # Errors
    ///
    /// The digest is of an algorithm that cannot be computed; or there are to be no bytes, and that
    /// is wrong: who sends no bytes reads none.
    pub(super) fn new(source: R, digest: Digest<'static>, size: u64) -> Result<Self, Fault> {
        let hash = Context::new(algorithm(&digest)?);
        let mut content = Self { source, hash, digest, size, read: 0, fault: None };
        if size == 0 {
            content.verify()?;
        }
        Ok(content)
    }

    /// What was wrong with the source, if it was the source.
    pub(super) fn fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// How many bytes are still to be read.
    pub(super) const fn rest(&self) -> u64 {
        self.size.saturating_sub(self.read)
    }

    /// The end of the source is here, and the digest is right.
    fn verify(&mut self) -> Result<(), Fault> {
        let more = self.source.read(&mut [0]).map_err(|error| broken(&error))?;
        if more > 0 {
            return Err(Fault::new(format_args!(
                "more than the {} bytes came that were announced for {}",
                self.size,
                self.digest.as_str()
            )));
        }
        compare(self.hash.clone(), self.read, &self.digest)
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let most = usize::try_from(self.rest()).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.source.read(buffer).map_err(|error| broken(&error))?;
        if count == 0 {
            return Err(Fault::new(format_args!(
                "the download of {} ended after {} of {} bytes",
                self.digest.as_str(),
                self.read,
                self.size
            )));
        }
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if self.rest() == 0 {
            self.verify()?;
        }
        Ok(count)
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|fault| {
            let error = io::Error::new(ErrorKind::InvalidData, fault.to_string());
            self.fault = Some(fault);
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The SHA-256 of "abc" and of nothing: FIPS 180-2, appendix B.1, and NIST's test vectors.
    const OF_ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const OF_NOTHING: &str =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// Gives one byte at a time, and breaks off at the end if it is told to.
    struct Source<'a>(&'a [u8], bool);

    impl Read for Source<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            let count = self.0.read(&mut buffer[..most])?;
            if count == 0 && self.1 { Err(ErrorKind::ConnectionReset.into()) } else { Ok(count) }
        }
    }

    /// What a store was sent, and what was wrong.
    fn sent(source: Source<'_>, digest: &str, size: u64) -> (String, Option<String>) {
        let digest = Digest::parse(digest.as_bytes()).unwrap().into_owned();
        let mut content = match Verified::new(source, digest, size) {
            Ok(content) => content,
            Err(fault) => return (String::new(), Some(fault.to_string())),
        };
        let mut sent = Vec::new();
        let result = content.read_to_end(&mut sent);
        let fault = content.fault().map(|fault| fault.to_string());
        assert_eq!(result.is_err(), fault.is_some());
        (String::from_utf8(sent).unwrap(), fault)
    }

    #[test]
    fn nothing_whole_and_wrong_is_sent() {
        #[rustfmt::skip]
        let rows = [
            (Source(b"abc", false), OF_ABC, 3, "abc", None, "as it should be"),
            (Source(b"", false), OF_NOTHING, 0, "", None, "nothing, and that is right"),
            (Source(b"abd", false), OF_ABC, 3, "ab", Some("damaged"), "another byte: the last one is not sent"),
            (Source(b"ab", false), OF_ABC, 3, "ab", Some("ended after 2 of 3"), "one byte short"),
            (Source(b"abc", true), OF_ABC, 3, "ab", Some("broke off"), "broken where the end should be"),
            (Source(b"ab", true), OF_ABC, 3, "ab", Some("broke off"), "broken before"),
            (Source(b"abcd", false), OF_ABC, 3, "ab", Some("more than the 3"), "longer than announced"),
            (Source(b"abc", false), OF_NOTHING, 0, "", Some("more than the 0"), "something for nothing"),
            (Source(b"", false), OF_ABC, 0, "", Some("damaged"), "nothing for something"),
            (Source(b"abc", false), "blake3:ba78", 3, "", Some("blake3"), "an unknown algorithm"),
        ];
        for (source, digest, size, expected, fault, reason) in rows {
            let (found, why) = sent(source, digest, size);
            assert_eq!(found, expected, "{reason}");
            assert_eq!(why.is_some(), fault.is_some(), "{reason}: {why:?}");
            let why = why.unwrap_or_default();
            assert!(why.contains(fault.unwrap_or_default()), "{reason}: {why}");
        }
    }
}
