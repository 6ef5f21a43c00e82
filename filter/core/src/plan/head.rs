//! The parts of a request that a host reads.

use crate::attempt::Asks;
use crate::client::ClientFacts;
use crate::policy::Asker;

/// What a host reads of a request: bytes, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The method of the request that a browser asks about, where this request asks for a browser
    /// whether a web page may make that one; see [`RequestHead::preflight_of`].
    pub preflight: Option<&'a [u8]>,
    /// The request target: path and query.
    pub target: &'a [u8],
    /// `http` or `https`: how the client reached us, as far as the host trusts what says so.
    pub scheme: &'a [u8],
    /// `host[:port]` that the client asked.
    pub authority: &'a [u8],
    /// The client's credentials, as they came.
    pub authorization: Option<&'a [u8]>,
    /// What it asks besides the content.
    pub asks: Asks,
    /// The program that asks, as it says.
    pub user_agent: Option<&'a [u8]>,
    /// Who and where the client is.
    pub client: ClientFacts<'a>,
}

impl<'a> RequestHead<'a> {
    /// The method that a preflight request is about (Fetch standard, "CORS-preflight request"): an
    /// `OPTIONS` with an `Origin` and an `Access-Control-Request-Method`. Every other `OPTIONS` is
    /// a method like any.
    #[must_use]
    pub fn preflight_of(
        method: &[u8],
        has_origin: bool,
        wanted: Option<&'a [u8]>,
    ) -> Option<&'a [u8]> {
        wanted.filter(|_| has_origin && method == b"OPTIONS")
    }

    /// What is known of who asks.
    pub(super) const fn asker(&self) -> Asker<'a> {
        Asker { client: self.client, user_agent: self.user_agent }
    }

    /// The path of the target, without the query.
    pub(super) fn path(&self) -> &'a [u8] {
        self.target.split(|byte| *byte == b'?').next().unwrap_or_default()
    }

    /// The method that decides about the request.
    pub(super) fn deciding_method(&self) -> &'a [u8] {
        self.preflight.unwrap_or(self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preflights() {
        let rows: [(&[u8], bool, Option<&[u8]>, bool, &str); 5] = [
            (b"OPTIONS", true, Some(b"GET"), true, "a browser asks"),
            (b"OPTIONS", true, None, false, "it asks about no method"),
            (b"OPTIONS", false, Some(b"GET"), false, "no page asks"),
            (b"GET", true, Some(b"GET"), false, "a request of a page"),
            (b"options", true, Some(b"GET"), false, "methods have a case"),
        ];
        for (method, has_origin, wanted, expected, reason) in rows {
            let found = RequestHead::preflight_of(method, has_origin, wanted);
            assert_eq!(found.is_some(), expected, "{reason}");
        }
    }
}
