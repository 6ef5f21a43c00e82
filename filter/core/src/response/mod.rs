//! How an upstream's answer is made to fit the front's hostname.
//!
//! A URL on the backend becomes a path on the front: `Location` may be relative (RFC 9110
//! section 10.2.2), real clients resolve it against the URL they asked, and a path cannot name
//! a wrong scheme, host or port, nor one that a client smuggled in with its `Host`.

mod link;
mod location;
mod reference;

use crate::config::Config;
use crate::config::ids::BackendId;
use crate::registry::Class;

/// What the response phase needs of a decision. Written once, when the request is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The backend whose answer it is.
    pub backend: BackendId,
    /// What was asked.
    pub class: Class,
    /// The repository's name at the front.
    pub front_name: String,
    /// The request target as it was sent to the backend, base path included.
    pub upstream_target: Vec<u8>,
}

/// A response header that may carry URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlHeader {
    /// `Location`: upload sessions, created content, redirects.
    Location,
    /// `Link`: the next page of a list (RFC 8288).
    Link,
}

impl UrlHeader {
    /// The header's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Link => "link",
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
    /// It is taken out: it cannot be understood, and what it means to a client is anybody's
    /// guess.
    Remove,
}

/// The headers to look at in the answer to a request of this class. Only lists have pages, and
/// every look costs.
#[must_use]
pub const fn url_headers(class: Class) -> &'static [UrlHeader] {
    match class {
        Class::Tags | Class::Referrers => &[UrlHeader::Location, UrlHeader::Link],
        _ => &[UrlHeader::Location],
    }
}

/// Decides about one header, given all its values.
#[must_use]
pub fn amend(config: &Config, receipt: &Receipt, header: UrlHeader, values: &[&[u8]]) -> Amendment {
    let Some(backend) = config.backend(receipt.backend) else { return Amendment::Remove };
    let context = reference::Context { backend, receipt };
    let amended = match header {
        UrlHeader::Location => location::amend(&context, values),
        UrlHeader::Link => link::amend(&context, values),
    };
    match amended {
        None => Amendment::Remove,
        Some(amended) if amended == values => Amendment::Keep,
        Some(amended) => Amendment::Replace(amended),
    }
}

#[cfg(test)]
mod tests;
