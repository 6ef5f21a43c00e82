//! Redirects of backends: where a redirect leads, and whether the proxy follows it.
//!
//! Envoy follows a redirect itself, by making the request anew; what it does with a `Location` of
//! its own accord is too little (a relative one is an error) and too much (every host that has a
//! route). So the attempt phase works out the one absolute URL that is meant, holds it against the
//! policy, and only then hands Envoy what it needs to follow. Without that there is no route.

use std::borrow::Cow;
use std::fmt;

use crate::config::{Scheme, canonical_authority, covers, redirects_cluster};
use crate::contract::encoding::{self, Fields, Kind};
use crate::contract::{headers, name_of};
use crate::grammar::{UriReference, escaped};

/// What becomes of a backend's redirect of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirection<'p> {
    /// Nobody looks at it: in this policy no redirect is followed.
    Unwatched,
    /// The client gets it.
    Passed {
        /// `host[:port]` of the backend.
        authority: Cow<'p, str>,
    },
    /// The proxy goes there.
    Followed {
        /// What the names of the backend's clusters are made of.
        key: &'p str,
        /// `scheme://host[:port]` of the backend.
        origin: Cow<'p, str>,
        /// How far.
        bounds: Bounds<'p>,
    },
}

/// Where redirects may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds<'p> {
    /// Whether also to where there is no TLS.
    pub plain: bool,
    /// The hosts, a space between two; those that start with `*.` stand for all below.
    pub hosts: &'p str,
}

/// One step of a request that is sent on and on: who was asked for what, and where it may lead from
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectStep<'p> {
    /// What the names of the clusters are made of of the backend that was asked at first.
    pub key: &'p str,
    /// `scheme://host[:port]` of who was asked at this step.
    pub origin: Cow<'p, str>,
    /// Path and query.
    pub target: Cow<'p, [u8]>,
    /// Where it may lead.
    pub bounds: Bounds<'p>,
    /// How many redirects of this backend have been followed to here.
    pub steps: u8,
}

/// The most redirects that are followed for one backend. Clients follow ten, and no registry needs
/// two.
pub const MOST_STEPS: u8 = 5;

/// Why a redirect is not followed. Never for the client to see: it does not know where the
/// registries behind the front keep their content, and cannot help it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectDenied {
    /// There is no `Location`, or none that is a URL.
    Unreadable,
    /// The scheme is not `https`, nor one that the policy allows besides.
    Unencrypted,
    /// The policy does not allow this host, `host[:port]`.
    Host(String),
    /// It is one after [`MOST_STEPS`].
    TooMany,
}

/// The most that is told of a host that nobody allowed.
const LONGEST_NAME: usize = 253;

impl fmt::Display for RedirectDenied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => formatter.write_str("has no `Location` that is a URL"),
            Self::TooMany => {
                write!(
                    formatter,
                    "leads to another one, and on, after {MOST_STEPS} that were followed"
                )
            }
            Self::Unencrypted => formatter.write_str("leads to a URL that is not `https`"),
            Self::Host(host) => write!(
                formatter,
                "leads to `{host}`, which is not in the backend's `followed_redirects.hosts`; write it there if \
                 that is where the registry keeps its blobs"
            ),
        }
    }
}

/// Whether a status sends to a `Location` (RFC 9110 section 15.4). 300 and 304 name none to go to.
#[must_use]
pub const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Whether what a content delivery network answered is an answer for the client: content, or a word
/// about the part of it or the version that the client asked for. Every other 2xx has no content,
/// or says where there may be some.
#[must_use]
pub const fn is_delivered(status: u16) -> bool {
    matches!(status, 200 | 203 | 206 | 304 | 416)
}

/// Whether a header of the client's goes where a redirect leads.
///
/// Only what says which bytes and which form of them: whoever delivers blobs is not who asks for
/// credentials, and a client may have some in a header of any name. Envoy takes out the two of
/// these that are between it and the filter.
#[must_use]
pub fn is_for_delivery(name: &[u8]) -> bool {
    const KEPT: [&[u8]; 14] = [
        b"accept",
        b"accept-encoding",
        b"range",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"cache-control",
        b"pragma",
        b"user-agent",
        b"x-request-id",
        b"x-forwarded-proto",
        headers::CLUSTER.as_bytes(),
    ];
    name.starts_with(b":") || KEPT.contains(&name)
}

/// Whether the client gets a header of who delivers content: a delivery network, or a node of a
/// cache.
///
/// Only what says something about the content, and how long it may be kept. What else is in there
/// is about a host that the client has not asked: where it is, who may log in there, which pages
/// may read it.
#[must_use]
pub fn is_about_content(name: &[u8]) -> bool {
    const KEPT: [&[u8]; 15] = [
        b"accept-ranges",
        b"age",
        b"cache-control",
        b"date",
        b"digest",
        b"docker-content-digest",
        b"docker-distribution-api-version",
        b"etag",
        b"expires",
        b"last-modified",
        b"repr-digest",
        b"transfer-encoding",
        b"vary",
        b"x-request-id",
        // The front's own word, which a route of Envoy's puts there.
        b"alt-svc",
    ];
    name.starts_with(b":") || name.starts_with(b"content-") || KEPT.contains(&name)
}

impl<'p> RedirectStep<'p> {
    /// The next step, where the answer to this one has such a `Location`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn follow(&self, location: Option<&[u8]>) -> Result<Self, RedirectDenied> {
        let steps = self.steps.checked_add(1).filter(|steps| *steps <= MOST_STEPS);
        let steps = steps.ok_or(RedirectDenied::TooMany)?;
        let location = escaped(location.unwrap_or_default());
        let reference = UriReference::parse(&location).ok_or(RedirectDenied::Unreadable)?;
        let (own, authority) = self.origin.split_once("://").ok_or(RedirectDenied::Unreadable)?;
        let scheme =
            Scheme::of(reference.scheme.unwrap_or(own)).ok_or(RedirectDenied::Unencrypted)?;
        if scheme == Scheme::Http && !self.bounds.plain {
            return Err(RedirectDenied::Unencrypted);
        }
        // `https:path` has a scheme and no authority; what it means nobody agrees on.
        let authority = match (reference.scheme, reference.authority) {
            (_, Some(authority)) => authority,
            (None, None) => authority,
            (Some(_), None) => return Err(RedirectDenied::Unreadable),
        };
        let authority = canonical_authority(scheme, authority).ok_or(RedirectDenied::Unreadable)?;
        if !self.bounds.allow(&authority) {
            return Err(RedirectDenied::Host(authority.chars().take(LONGEST_NAME).collect()));
        }
        // A fragment is for who reads the content, and no part of a request.
        let target = reference.target(&self.target);
        let target = target.split(|byte| *byte == b'#').next().unwrap_or_default().to_vec();
        Ok(Self {
            key: self.key,
            origin: format!("{}://{authority}", scheme.as_str()).into(),
            target: target.into(),
            bounds: self.bounds,
            steps,
        })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> Vec<u8> {
        [self.origin.as_bytes(), &self.target].concat()
    }

    /// The name of the backend that was asked at first.
    #[must_use]
    pub fn backend(&self) -> &'p str {
        name_of(self.key)
    }

    /// The Envoy cluster that reaches it.
    #[must_use]
    pub fn cluster(&self) -> String {
        let plain = self.origin.starts_with("http://");
        redirects_cluster(self.key, if plain { Scheme::Http } else { Scheme::Https })
    }

    /// The property by which the next step knows where it comes from. It holds a URL that may be
    /// signed, and is not for a log.
    #[must_use]
    pub fn print(&self) -> Vec<u8> {
        let mut property = Vec::new();
        let own = [self.key.as_bytes(), self.origin.as_bytes(), &self.target];
        let steps = [self.steps];
        let fields = own.into_iter().chain(self.bounds.fields()).chain([&steps[..]]);
        encoding::write(&mut property, Kind::Step, fields);
        property
    }

    /// Reads the property.
    #[must_use]
    pub fn parse(property: &'p [u8]) -> Option<Self> {
        let (_, mut fields) = encoding::records(property).find(|(kind, _)| *kind == Kind::Step)?;
        let step = Self {
            key: fields.text()?,
            origin: fields.text()?.into(),
            target: fields.next()?.into(),
            bounds: Bounds::read(&mut fields)?,
            steps: match fields.next()? {
                [steps] => *steps,
                _ => return None,
            },
        };
        fields.end(step)
    }
}

impl<'p> Bounds<'p> {
    fn allow(&self, authority: &str) -> bool {
        self.hosts.split(' ').any(|host| covers(host, authority))
    }

    fn fields(&self) -> impl Iterator<Item = &'p [u8]> + use<'p> {
        let scheme = if self.plain { PLAIN } else { ENCRYPTED };
        [scheme, self.hosts].into_iter().map(str::as_bytes)
    }

    fn read(fields: &mut Fields<'p>) -> Option<Self> {
        let plain = match fields.text()? {
            PLAIN => true,
            ENCRYPTED => false,
            _ => return None,
        };
        Some(Self { plain, hosts: fields.text()? })
    }
}

const PLAIN: &str = "http";
const ENCRYPTED: &str = "https";
const UNWATCHED: &str = "";
const PASSED: &str = "pass";
const FOLLOWED: &str = "follow";

impl<'p> Redirection<'p> {
    /// `host[:port]` of the backend, where redirects are looked at.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        match self {
            Self::Unwatched => None,
            Self::Passed { authority } => Some(authority),
            Self::Followed { origin, .. } => origin.split_once("://").map(|(_, host)| host),
        }
    }

    /// The fields of a record.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let (word, first, second, bounds) = match self {
            Self::Unwatched => (UNWATCHED, None, None, None),
            Self::Passed { authority } => (PASSED, Some(&**authority), None, None),
            Self::Followed { key, origin, bounds } => {
                (FOLLOWED, Some(*key), Some(&**origin), Some(bounds))
            }
        };
        let words = [word].into_iter().chain(first).chain(second).map(str::as_bytes);
        words.chain(bounds.into_iter().flat_map(Bounds::fields))
    }

    pub(super) fn read(fields: &mut Fields<'p>) -> Option<Self> {
        match fields.text()? {
            UNWATCHED => Some(Self::Unwatched),
            PASSED => Some(Self::Passed { authority: fields.text()?.into() }),
            FOLLOWED => Some(Self::Followed {
                key: fields.text()?,
                origin: fields.text()?.into(),
                bounds: Bounds::read(fields)?,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
