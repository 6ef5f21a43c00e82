//! A request that the proxy makes itself, and its answer.

use std::time::Duration;

use portolan_core::record::Silence;

use crate::header_map::HeaderMap;

/// The number by which the host knows a stream: one pass of a request, or one attempt.
pub type StreamId = u32;

/// The number of one call. No two calls of a worker have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub(crate) u64);

/// A request to make.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The Envoy cluster.
    pub cluster: String,
    /// Method, path and authority first, as pseudo headers. Credentials may be among the rest.
    pub headers: Vec<(&'static str, String)>,
    /// The body; none if it is empty. A client's password may stand in it.
    pub body: String,
    /// How long the host waits for the answer.
    pub timeout: Duration,
}

/// What came back. The default is what a host reports of a call that it could not make.
#[derive(Clone, Copy, Default)]
pub struct CallAnswer<'a> {
    /// The headers; none if there was no answer.
    pub headers: Option<&'a HeaderMap>,
    /// The body.
    pub body: &'a [u8],
}

impl Call {
    /// A request with the headers that every one has.
    pub(crate) fn new(method: &str, path: &str, authority: &str) -> Self {
        let pairs = [(":method", method), (":path", path), (":authority", authority)];
        let user_agent = ("user-agent", USER_AGENT.to_owned());
        let headers = pairs.map(|(name, value)| (name, value.to_owned()));
        Self {
            cluster: String::new(),
            headers: headers.into_iter().chain([user_agent]).collect(),
            body: String::new(),
            timeout: Duration::ZERO,
        }
    }

    /// The same, to a cluster, with this much time for the answer.
    pub(crate) fn to(mut self, cluster: &str, timeout: Duration) -> Self {
        cluster.clone_into(&mut self.cluster);
        self.timeout = timeout;
        self
    }

    /// The same, with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same, with a form (WHATWG URL, "application/x-www-form-urlencoded").
    pub(crate) fn with_form(mut self, form: String) -> Self {
        let length = form.len().to_string();
        self.body = form;
        self.with("content-type", "application/x-www-form-urlencoded")
            .with("content-length", &length)
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| *other == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

const USER_AGENT: &str = "portolan";
/// How long the service took to answer, which Envoy's router says of every answer that came from
/// there.
const UPSTREAM_TIME: &str = "x-envoy-upstream-service-time";

impl std::fmt::Debug for Call {
    /// Without the query, the headers and the body: tokens and passwords may stand in them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.header(":path").unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let method = self.header(":method").unwrap_or_default();
        write!(formatter, "Call({method} {path} at {}, the rest is hidden)", self.cluster)
    }
}

impl<'a> CallAnswer<'a> {
    /// The status; none if there was no answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.headers.and_then(HeaderMap::status)
    }

    /// Why the service has not answered; `None` if it has. Envoy answers in its place then, and
    /// leaves out the header that it adds to every answer which it was given.
    pub(crate) fn silence(&self) -> Option<Silence> {
        let Some(headers) = self.headers else { return Some(Silence::Unreachable) };
        if !headers.values(UPSTREAM_TIME).is_empty() {
            return None;
        }
        match headers.status() {
            Some(504) => Some(Silence::Late),
            Some(503) => Some(Silence::Unreachable),
            _ => None,
        }
    }

    /// All values of a header.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&'a [u8]> {
        self.headers.map(|headers| headers.values(name)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_hides_what_may_be_secret() {
        let call = Call::new("GET", "/token?account=hunter2", "auth.example")
            .to("hub@token", Duration::from_secs(1))
            .with("authorization", "Basic hunter2");
        let call = call.with_form("password=hunter2".to_owned());
        assert_eq!(format!("{call:?}"), "Call(GET /token at hub@token, the rest is hidden)");
        assert_eq!(call.header("content-length"), Some("16"));
        assert_eq!(call.header("user-agent"), Some("portolan"));
        assert_eq!(call.header("accept"), None);
    }

    #[test]
    fn no_answer_has_no_status() {
        assert_eq!(CallAnswer::default().status(), None);
        assert!(CallAnswer::default().values("date").is_empty());
    }
}
