//! A blob store that is written to: whether it has a blob, and single requests to it.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use portolan_core::config::BlobUrl;
use portolan_core::grammar::Digest;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::{Answer, Client, ClientOptions, without_query};
use portolan_registry_client::url::absolute;
use ureq::SendBody;
use ureq::http::uri::Authority;
use ureq::http::{Method, Request};

use super::access::{Access, Call};
use super::s3::xml::element;

/// The longest error of a store that is read, in bytes.
const LONGEST_ERROR: u64 = 64 * 1024;

/// The SHA-256 of no bytes, which S3 wants of a request without a body.
pub(super) const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A store, and the right to write to it.
#[derive(Debug)]
pub(super) struct Store {
    url: BlobUrl,
    access: Access,
    options: ClientOptions,
    /// Whether it understands `If-None-Match`, as far as it is known.
    is_conditional: AtomicBool,
    /// Clients that nobody uses at the moment, with their connections.
    idle: Mutex<Vec<Client>>,
}

/// What a store says about a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is there, with that many bytes if the store says it.
    There(Option<u64>),
    /// It is not there.
    Absent,
    /// The store does not tell this client.
    Untold,
}

/// Why a store did not do what it was asked, by what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No request of this client will succeed.
    Every(Fault),
    /// This blob cannot be written.
    Blob(Fault),
    /// Another attempt may succeed.
    Passing(Fault),
}

impl Store {
    /// A store whose blobs are at `url`.
    pub(super) const fn new(url: BlobUrl, access: Access, options: ClientOptions) -> Self {
        let is_conditional = AtomicBool::new(true);
        Self { url, access, options, is_conditional, idle: Mutex::new(Vec::new()) }
    }

    /// Whether it speaks S3's API.
    pub(super) const fn is_s3(&self) -> bool {
        self.access.is_s3()
    }

    /// The path of a blob, as it is sent.
    pub(super) fn path(&self, digest: &Digest<'_>) -> String {
        self.access.path(self.url.path(digest))
    }

    /// Asks whether a blob is there.
    ///
    /// # Errors
    ///
    /// The store refuses, or does not answer.
    pub(super) fn held(&self, digest: &Digest<'_>) -> Result<Held, Trouble> {
        let path = self.path(digest);
        let answer = self.send(&bare("HEAD", &path, ""), None)?;
        let length = answer.header("content-length").and_then(|text| text.parse().ok());
        match answer.status {
            200..=299 => Ok(Held::There(length)),
            404 | 410 => Ok(Held::Absent),
            403 => Ok(Held::Untold),
            _ => Err(trouble(answer)),
        }
    }

    /// The status of the answer that anybody gets who asks whether a blob is there: clients that
    /// are sent to a store have no credentials for it. `None` without an answer.
    pub(super) fn status_for_anybody(&self, digest: &Digest<'_>) -> Option<u16> {
        let url = absolute(&self.url.location(digest))?;
        let request = Request::builder().method(Method::HEAD).uri(url).body(()).ok()?;
        Client::new(&self.options).transfer(request).ok().map(|answer| answer.status)
    }

    /// The header by which the store keeps what it has, unless it has said that it does not
    /// understand it.
    pub(super) fn condition(&self) -> Option<(&'static str, String)> {
        let is_conditional = self.is_conditional.load(Ordering::Relaxed);
        is_conditional.then(|| ("if-none-match", "*".to_owned()))
    }

    /// What an answer means to a request that had [`Store::condition`] and was not carried out:
    /// nothing where the store has the blob. One that does not understand the header is sent it no
    /// more.
    pub(super) fn unmet(&self, answer: Answer) -> Result<(), Trouble> {
        match answer.status {
            412 => Ok(()),
            501 => {
                self.is_conditional.store(false, Ordering::Relaxed);
                Err(Trouble::Passing(trouble(answer).into_fault()))
            }
            _ => Err(trouble(answer)),
        }
    }

    /// Sends a request; a body is that many bytes of a reader.
    ///
    /// # Errors
    ///
    /// The store does not answer.
    pub(super) fn send(
        &self,
        call: &Call<'_>,
        body: Option<(&mut dyn Read, u64)>,
    ) -> Result<Answer, Trouble> {
        let passing = |fault| Trouble::Passing(fault);
        let origin = self.url.origin();
        let question = if call.query.is_empty() { "" } else { "?" };
        let url = [origin.origin().as_str(), call.path, question, call.query].concat();
        let url = absolute(&url)
            .ok_or_else(|| Trouble::Every(Fault::new(format_args!("{url} is no URL"))))?;
        let mut request = Request::builder().method(call.method).uri(url.clone());
        let host = url.authority().map(Authority::as_str).unwrap_or_default();
        for (name, value) in self.access.headers(call, host) {
            request = request.header(name, value);
        }
        let wrong = |error| Trouble::Every(Fault::new(error));
        let client = self.client();
        let answer = match body {
            None => client.transfer(request.body(()).map_err(wrong)?),
            Some((reader, length)) => {
                let request = request.header("content-length", length);
                let body = SendBody::from_reader(reader);
                client.transfer(request.body(body).map_err(wrong)?)
            }
        };
        let answer = answer.map_err(passing)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        Ok(answer)
    }

    fn client(&self) -> Client {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Client::new(&self.options))
    }
}

/// A request without a body, and with no headers but those that authorise it.
pub(super) const fn bare<'a>(method: &'a str, path: &'a str, query: &'a str) -> Call<'a> {
    Call { method, path, query, headers: Vec::new(), payload: NOTHING }
}

impl Trouble {
    /// What happened.
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Every(fault) | Self::Blob(fault) | Self::Passing(fault) => fault,
        }
    }
}

/// What an answer is about that is not the one that was wanted, with the store's own reason.
pub(super) fn trouble(answer: Answer) -> Trouble {
    let (url, status) = (without_query(&answer.url), answer.status);
    let region = answer.header("x-amz-bucket-region").map(str::to_owned);
    let body = answer.into_bytes(LONGEST_ERROR).unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let code = element(&body, "Code");
    let reason = match (&code, element(&body, "Message")) {
        (Some(code), Some(message)) => format!(" ({code}: {message})"),
        (Some(code), None) => format!(" ({code})"),
        _ => String::new(),
    };
    let advice = match (status, region) {
        (300..=400, Some(region)) => format!("; its region is {region}: see `--region`"),
        (401 | 403, _) => "; the credentials may not do this".to_owned(),
        _ => String::new(),
    };
    let fault = Fault::new(format_args!("{url} answered {status}{reason}{advice}"));
    classified(status, code.as_deref().unwrap_or_default(), fault)
}

/// What a status means for what is still to be sent.
fn classified(status: u16, code: &str, fault: Fault) -> Trouble {
    let is_passing = matches!(status, 408 | 409 | 412 | 425 | 429);
    match status {
        300..=399 | 401 | 403..=405 => Trouble::Every(fault),
        400 if code.starts_with("Authorization") || code.starts_with("Invalid") => {
            Trouble::Every(fault)
        }
        // What came was not what was announced: it was changed on the way, or late.
        400 if matches!(code, "XAmzContentSHA256Mismatch" | "BadDigest" | "RequestTimeout") => {
            Trouble::Passing(fault)
        }
        400..=499 | 507 if !is_passing => Trouble::Blob(fault),
        _ => Trouble::Passing(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_of_statuses_of_a_store() {
        #[rustfmt::skip]
        let rows = [
            (301, "PermanentRedirect", "every", "another region"),
            (400, "AuthorizationHeaderMalformed", "every", "another region, in another form"),
            (400, "InvalidBucketName", "every", "the policy or the argument"),
            (403, "AccessDenied", "every", "these credentials"),
            (404, "NoSuchBucket", "every", "no bucket"),
            (405, "", "every", "a server that takes nothing"),
            (400, "EntityTooLarge", "blob", "this one is too large"),
            (413, "", "blob", "the same, of a plain server"),
            (507, "", "blob", "the store is full"),
            (400, "XAmzContentSHA256Mismatch", "passing", "changed on the way"),
            (409, "ConditionalRequestConflict", "passing", "somebody writes the same"),
            (429, "", "passing", "too many"),
            (503, "SlowDown", "passing", "too many, in S3's words"),
            (500, "", "passing", "whatever"),
        ];
        for (status, code, expected, reason) in rows {
            let found = match classified(status, code, Fault::new("")) {
                Trouble::Every(_) => "every",
                Trouble::Blob(_) => "blob",
                Trouble::Passing(_) => "passing",
            };
            assert_eq!(found, expected, "{status} {code}: {reason}");
        }
    }
}
