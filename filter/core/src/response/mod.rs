//! Rewrites the URLs in an upstream's answer for the host name of the front.
//!
//! A URL on the backend becomes a path on the front: `Location` may be relative (RFC 9110
//! section 10.2.2), real clients resolve it against the URL they asked, and a path cannot name
//! a wrong scheme, host or port, nor one that a client smuggled in with its `Host`.

mod link;
mod location;
mod receipt;
mod reference;

pub use receipt::Receipt;

use reference::Context;

use std::borrow::Cow;

use crate::challenge;
use crate::challenge::{Accepts, FrontChallenge};
use crate::config::{Backend, BackendAuth, Config};
use crate::grammar::RepositoryName;
use crate::oci::Class;
use crate::reply::Misdirection;
use crate::token;

/// A response header that may carry URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlHeader {
    /// `Location`: upload sessions, created content, redirects.
    Location,
    /// `Link`: the next page of a list (RFC 8288).
    Link,
    /// `WWW-Authenticate`: where and how to log in (RFC 9110 section 11.6.1).
    Challenge,
}

impl UrlHeader {
    /// The header's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Link => "link",
            Self::Challenge => "www-authenticate",
        }
    }
}

/// What becomes of one header of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// It stays.
    Keep,
    /// It is replaced by these values, one field line each.
    Replace(Vec<Vec<u8>>),
    /// It is taken out: there is nothing in it for a client.
    Remove,
    /// The whole answer is refused: without the header it would say something else.
    Refuse(Misdirection),
}

/// The headers that may carry URLs of the backend, in any answer.
pub const URL_HEADERS: [UrlHeader; 3] =
    [UrlHeader::Location, UrlHeader::Challenge, UrlHeader::Link];

/// Whether clients follow a `Link` of the answer to a request of this class. Only lists have pages,
/// but a client of an upload goes wherever it is told. Of content a `Link` may still name the
/// backend's host, which is no client's to know; the attempt phase marks an answer that has one.
#[must_use]
pub const fn follows_links(class: Class) -> bool {
    matches!(class, Class::Tags | Class::Referrers | Class::Catalog | Class::Upload)
}

/// Decides about one header, given all its values, the status of the answer and the name of the
/// backend that gave it. Where that is not known, nor is whose URLs they are.
#[must_use]
pub fn amend(
    config: &Config,
    receipt: &Receipt,
    answered: Option<&[u8]>,
    header: UrlHeader,
    status: Option<u16>,
    values: &[&[u8]],
) -> Amendment {
    match amended(config, receipt, answered, header, values) {
        Err(misdirection) if matters(receipt, header, status) => Amendment::Refuse(misdirection),
        Err(_) => Amendment::Remove,
        Ok(amended) if amended.is_empty() => Amendment::Remove,
        Ok(amended) if amended == values => Amendment::Keep,
        Ok(amended) => Amendment::Replace(amended),
    }
}

fn amended(
    config: &Config,
    receipt: &Receipt,
    answered: Option<&[u8]>,
    header: UrlHeader,
    values: &[&[u8]],
) -> Result<Vec<Vec<u8>>, Misdirection> {
    let known = receipt.answered_by(config, answered);
    let (id, target) = known.ok_or(Misdirection::Unreadable)?;
    let backend = config.backend(id).ok_or(Misdirection::Unreadable)?;
    let context = Context { backend, receipt, target };
    match header {
        UrlHeader::Location => location::amend(&context, values),
        UrlHeader::Link => link::amend(&context, values),
        UrlHeader::Challenge => Ok(challenges(receipt, backend, values)),
    }
}

/// Whether a client acts on the header, so that an answer without it would mislead: a redirect that
/// leads nowhere, an upload that does not go on, a short list that looks whole. Of an error, or of
/// content that is there, it says nothing (RFC 9110 section 10.2.2).
const fn matters(receipt: &Receipt, header: UrlHeader, status: Option<u16>) -> bool {
    match (header, status) {
        (UrlHeader::Challenge, _) | (_, Some(304 | 400..)) => false,
        (UrlHeader::Location, Some(200..=299)) => receipt.writes,
        (UrlHeader::Link, _) => follows_links(receipt.class),
        (UrlHeader::Location, _) => true,
    }
}

/// The challenges as the client gets them: none at all where clients cannot log in to this backend
/// through the front, so that nobody sends a password to where an upstream points.
fn challenges(receipt: &Receipt, backend: &Backend, values: &[&[u8]]) -> Vec<Vec<u8>> {
    let Some(front_realm) = &receipt.front_realm else { return Vec::new() };
    let front = FrontChallenge { accepts: accepts(backend), ..front_realm.challenge() };
    let at_front = |name: &str| {
        let name = backend.names().to_front(name);
        receipt.naming.to_client(&name).map(Cow::into_owned)
    };
    challenge::rewrite(values, &front, &at_front, receipt.class != Class::Ping)
}

/// The challenges of a 401, given all that came with it: on a front whose clients log in to the
/// backends there is one that they can answer, whatever the backend said, and if it said nothing.
/// Elsewhere a challenge is nobody's business.
#[must_use]
pub fn unauthorized(
    config: &Config,
    receipt: &Receipt,
    answered: Option<&[u8]>,
    values: &[&[u8]],
) -> Amendment {
    let backend = receipt.answered_by(config, answered).and_then(|(id, _)| config.backend(id));
    let told = backend.map(|backend| challenges(receipt, backend, values)).unwrap_or_default();
    let told = match &receipt.front_realm {
        Some(front_realm) => {
            challenge::unauthorized(told, &front_realm.challenge(), &needed_scope(receipt))
        }
        None => told,
    };
    match told {
        told if told.is_empty() => Amendment::Remove,
        told if told == values => Amendment::Keep,
        told => Amendment::Replace(told),
    }
}

/// What a request needs a token for, by the client's own name of the repository.
fn needed_scope(receipt: &Receipt) -> String {
    if receipt.class == Class::Catalog {
        return token::CATALOG_SCOPE.to_owned();
    }
    let name = RepositoryName::parse(receipt.client_name.as_bytes());
    name.map(|name| token::repository_scope(name, receipt.access)).unwrap_or_default()
}

fn accepts(backend: &Backend) -> Accepts {
    match (backend.auth_domain(), backend.auth()) {
        (Some(_), BackendAuth::Token(_)) => Accepts::Bearer,
        (Some(_), BackendAuth::Basic { .. }) => Accepts::Basic,
        _ => Accepts::Nothing,
    }
}

#[cfg(test)]
mod tests;
