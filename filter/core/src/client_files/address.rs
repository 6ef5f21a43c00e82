//! The URL at which clients reach a front.

use crate::config::{Front, FrontHost, Scheme};

/// Scheme, host and port of a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'c> {
    pub(super) scheme: Scheme,
    pub(super) host: &'c str,
}

impl<'c> Address<'c> {
    /// The front's canonical host, over this scheme.
    #[must_use]
    pub fn canonical(front: &'c Front, scheme: Scheme) -> Self {
        Self { scheme, host: front.hosts().first().map_or("", FrontHost::as_str) }
    }

    /// Where the client of a request reached the front. An authority that the front does not
    /// declare is not repeated, it is the client's word; and neither is one that names an upstream,
    /// since everything asked there is of that upstream.
    #[must_use]
    pub fn of_request(front: &'c Front, scheme: &[u8], authority: &[u8]) -> Self {
        let scheme =
            if scheme.eq_ignore_ascii_case(b"http") { Scheme::Http } else { Scheme::Https };
        let canonical = Self::canonical(front, scheme);
        if front.upstreams().is_some_and(|all| all.of_host(authority).is_some()) {
            return canonical;
        }
        let asked = FrontHost::of_authority(authority);
        let declared = front.hosts().iter().find(|host| Some(*host) == asked.as_ref());
        Self { host: declared.map_or(canonical.host, FrontHost::as_str), ..canonical }
    }

    /// Whether what clients say is readable on its way.
    pub(super) fn is_plain(self) -> bool {
        self.scheme == Scheme::Http
    }

    /// The URL of a host that is reached as this one is.
    pub(super) fn url(self, host: &str) -> String {
        format!("{}://{host}", self.scheme.as_str())
    }
}
