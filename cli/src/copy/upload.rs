//! One blob on its way into a store, in one request or in parts.

use std::io::Read;

use portolan_core::grammar::Digest;
use portolan_registry_client::fault::Fault;

use super::access::Call;
use super::s3::multipart::{self, Completed, part_size};
use super::s3::signature::UNSIGNED_PAYLOAD;
use super::store::{Held, Store, Trouble, trouble};
use super::verified::Verified;

/// From this size on, in bytes, a store is asked whether it wants a body before it is sent
/// (RFC 9110 section 10.1.1). What is smaller is sent in less time than that takes.
const ASKS_FIRST: u64 = 64 * 1024;

/// How blobs are sent.
#[derive(Debug)]
pub(super) struct Uploads<'a> {
    /// Where to.
    pub(super) store: &'a Store,
    /// From this size on, in bytes, in parts.
    pub(super) multipart_above: u64,
    /// How large a part is, in bytes, if that makes not too many.
    pub(super) part_size: u64,
}

/// Why a blob was not sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The source broke off, or had other content.
    Source(Fault),
    /// The store did not take it.
    Store(Trouble),
}

impl Uploads<'_> {
    /// Sends content of that many bytes.
    ///
    /// # Errors
    ///
    /// The source or the store fails. The store has nothing then, or what it had before.
    pub(super) fn send(
        &self,
        source: impl Read,
        digest: &Digest<'static>,
        size: u64,
    ) -> Result<Completed, Failure> {
        let mut content = Verified::new(source, digest.clone(), size).map_err(Failure::Source)?;
        let in_parts = self.store.is_s3() && size > self.multipart_above;
        let result = if in_parts {
            let part = part_size(self.part_size, size);
            multipart::upload(self.store, digest, &mut content, part)
        } else {
            self.at_once(&mut content, digest, size)
        };
        match (content.fault(), result) {
            (Some(fault), Err(_)) => Err(Failure::Source(fault)),
            (_, result) => result.map_err(Failure::Store),
        }
    }

    fn at_once(
        &self,
        content: &mut dyn Read,
        digest: &Digest<'_>,
        size: u64,
    ) -> Result<Completed, Trouble> {
        let path = self.store.path(digest);
        let condition = self.store.condition();
        let is_conditional = condition.is_some();
        let mut headers = vec![("content-type", "application/octet-stream".to_owned())];
        headers.extend(condition);
        if size >= ASKS_FIRST {
            headers.push(("expect", "100-continue".to_owned()));
        }
        // The digest is the hash of the payload that S3 signs, and checks before it keeps anything.
        let is_sha256 = digest.algorithm() == "sha256";
        let payload = if is_sha256 { digest.encoded() } else { UNSIGNED_PAYLOAD };
        let call = Call { method: "PUT", path: &path, query: "", headers, payload };
        let answer = self.store.send(&call, Some((content, size)))?;
        match answer.status {
            200 | 201 | 204 => {
                answer.discard();
                self.confirm(digest, size)
            }
            _ if is_conditional => self.store.unmet(answer).map(|()| Completed::Before),
            _ => Err(trouble(answer)),
        }
    }

    /// What a plain server has after it took a blob; S3 has said it by its status.
    fn confirm(&self, digest: &Digest<'_>, size: u64) -> Result<Completed, Trouble> {
        if self.store.is_s3() {
            return Ok(Completed::Now);
        }
        match self.store.held(digest)? {
            Held::There(None) | Held::Untold => Ok(Completed::Now),
            Held::There(Some(length)) if length == size => Ok(Completed::Now),
            Held::There(Some(length)) => Err(Trouble::Passing(Fault::new(format_args!(
                "the store took {size} bytes of {} and has {length}",
                digest.as_str()
            )))),
            Held::Absent => Err(Trouble::Every(Fault::new(format_args!(
                "the store took {} and does not have it: it takes no content by `PUT`",
                digest.as_str()
            )))),
        }
    }
}
