//! The answer to a scrape of metrics at a front.

use super::body::Body;
use super::parts::{NO_STORE, Reply, WAIT_AFTER_OUTAGE, headers};

/// What Envoy counts, in Prometheus' text format 0.0.4.
#[must_use]
pub fn metrics(text: String) -> Reply {
    let content_type = ("content-type", "text/plain; version=0.0.4".to_owned());
    let no_store = (NO_STORE.0, NO_STORE.1.to_owned());
    Reply { status: 200, code: "metrics", headers: vec![content_type, no_store], body: text.into() }
}

/// The answer where Envoy did not say what it counts.
#[must_use]
pub fn no_metrics() -> Reply {
    let code = "UNAVAILABLE";
    let body = Body::error(code, "Envoy did not hand over its metrics; try again");
    let mut headers = headers(&[NO_STORE]);
    headers.push(("retry-after", WAIT_AFTER_OUTAGE.to_string()));
    Reply { status: 503, code, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_text() {
        let reply = metrics("a 1\n".to_owned());
        assert_eq!((reply.status, &*reply.body.text()), (200, "a 1\n"));
        assert_eq!(reply.headers[0], ("content-type", "text/plain; version=0.0.4".to_owned()));
        let reply = no_metrics();
        assert_eq!((reply.status, reply.body.is_error()), (503, true));
    }
}
