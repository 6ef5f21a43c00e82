//! One blob from a source to the store, in as many attempts as it takes.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use portolan_registry_client::fault::Fault;

use super::report::{self, State};
use super::s3::multipart::Completed;
use super::sources::Sources;
use super::store::{Held, Trouble};
use super::upload::{Failure, Uploads};
use super::wanted::Blob;

/// How often a blob is begun: while a registry goes down, one attempt may meet it.
const ATTEMPTS: usize = 3;

/// Between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// From where, where to, and whether at all.
#[derive(Debug)]
pub(super) struct Copying<'a> {
    /// From where.
    pub(super) sources: &'a Sources,
    /// Where to.
    pub(super) uploads: Uploads<'a>,
    /// Whether the store is only asked what it has.
    pub(super) is_dry: bool,
    /// Why no further request to the store can succeed, once that is known.
    pub(super) hopeless: Mutex<Option<Fault>>,
}

/// How an attempt ends that did not fail.
type Done = (State, Option<u64>);

impl Copying<'_> {
    /// Copies a blob, unless it is there.
    pub(super) fn copy(&self, blob: &Blob) -> report::Blob {
        let mut result = self.attempt(blob, 0);
        for number in 1..ATTEMPTS {
            if !matches!(result, Err(Failure::Source(_) | Failure::Store(Trouble::Passing(_)))) {
                break;
            }
            thread::sleep(PAUSE);
            result = self.attempt(blob, number);
        }
        let (state, bytes, error) = match result {
            Ok((state, bytes)) => (state, bytes, None),
            Err(failure) => (State::Failed, blob.size, Some(self.explain(failure).to_string())),
        };
        let repository = blob.places.first().map(|image| image.repository().to_owned());
        report::Blob {
            digest: blob.digest.as_str().to_owned(),
            repository: repository.unwrap_or_default(),
            state,
            bytes,
            error,
        }
    }

    fn attempt(&self, blob: &Blob, number: usize) -> Result<Done, Failure> {
        if let Some(fault) = self.hopeless() {
            return Err(Failure::Store(Trouble::Blob(fault)));
        }
        let held = self.uploads.store.held(&blob.digest).map_err(Failure::Store)?;
        match (held, blob.size) {
            (Held::There(Some(there)), Some(size)) if there != size => {
                let digest = blob.digest.as_str();
                let fault = Fault::new(format_args!(
                    "the store has {there} bytes under {digest}, which has {size}: delete what is \
                     there"
                ));
                return Err(Failure::Store(Trouble::Blob(fault)));
            }
            (Held::There(there), size) => return Ok((State::Present, size.or(there))),
            _ if self.is_dry => return Ok((State::WouldCopy, blob.size)),
            _ => {}
        }
        let place = number.checked_rem(blob.places.len()).and_then(|at| blob.places.get(at));
        let place = place.ok_or_else(|| Failure::Source(Fault::new("no repository has it")))?;
        let answer = self.sources.visit(place, |visit| visit.begin_blob(&blob.digest));
        let answer = answer.map_err(Failure::Source)?;
        let length = answer.header("content-length").and_then(|text| text.parse().ok());
        let size = size(blob, length).map_err(Failure::Source)?;
        let completed = self.uploads.send(answer.into_reader(), &blob.digest, size)?;
        Ok(match completed {
            Completed::Now => (State::Copied, Some(size)),
            Completed::Before => (State::Present, Some(size)),
        })
    }

    fn hopeless(&self) -> Option<Fault> {
        self.hopeless.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What happened; what ends everything is kept for all that is still to be copied.
    fn explain(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Source(fault) => fault,
            Failure::Store(Trouble::Every(fault)) => {
                let mut hopeless = self.hopeless.lock().unwrap_or_else(PoisonError::into_inner);
                hopeless.get_or_insert(fault).clone()
            }
            Failure::Store(trouble) => trouble.into_fault(),
        }
    }
}

/// How many bytes are to come: the store has to be told before the first.
fn size(blob: &Blob, announced: Option<u64>) -> Result<u64, Fault> {
    let digest = blob.digest.as_str();
    match (blob.size, announced) {
        (Some(size), Some(announced)) if size != announced => Err(Fault::new(format_args!(
            "{announced} bytes are announced for {digest}, whose manifest says {size}"
        ))),
        (Some(size), _) | (None, Some(size)) => Ok(size),
        (None, None) => Err(Fault::new(format_args!(
            "the answer about {digest} has no Content-Length, which the store must be told; name \
             images instead of a log"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use portolan_core::grammar::Digest;

    use super::*;

    #[test]
    fn how_many_bytes() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let digest = Digest::parse(digest.as_bytes()).unwrap().into_owned();
        let rows = [
            (Some(5), Some(5), Ok(5), "both agree"),
            (Some(5), None, Ok(5), "the manifest's word"),
            (None, Some(5), Ok(5), "the answer's word"),
            (Some(5), Some(6), Err("whose manifest says 5"), "they do not agree"),
            (None, None, Err("has no Content-Length"), "nobody says it"),
        ];
        for (wanted, announced, expected, reason) in rows {
            let blob = Blob { digest: digest.clone(), size: wanted, places: Vec::new() };
            match (size(&blob, announced), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
                (Err(found), Err(expected)) => {
                    assert!(found.to_string().contains(expected), "{reason}: {found}");
                }
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
    }
}
