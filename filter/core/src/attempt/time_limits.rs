//! The time that a list with one backend gives that backend.

use std::time::Duration;

use crate::config::{ALONE, BackendList, Config};
use crate::oci::{Class, Method, RegistryRequest};

/// How long a read that only one backend can answer waits for the head of its answer, where the
/// policy says so. `None` leaves it to the route, which has [`ALONE`], and where there are several
/// backends to [`super::Retry`].
#[must_use]
pub fn alone(
    config: &Config,
    list: &BackendList,
    request: &RegistryRequest<'_>,
) -> Option<Duration> {
    let [only] = list.backends() else { return None };
    if !request.method.is_read() {
        return None;
    }
    let timeouts = config.backend(*only)?.resilience().attempt_timeouts.alone;
    let is_blob = request.endpoint.class() == Class::Blob || request.method == Method::Head;
    let written = if is_blob { timeouts.blobs } else { timeouts.manifests };
    written.filter(|timeout| *timeout != ALONE)
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Rule};
    use serde_json::json;

    use super::*;
    use crate::config::Purpose;
    use crate::oci;

    fn policy() -> Policy {
        Policy::new()
            .front("main", Front::at(["r.example"]))
            .backend(
                "a",
                Backend::at("https://a.example").with("attempt_timeouts", json!({"blobs": "3m"})),
            )
            .backend(
                "b",
                Backend::at("https://b.example")
                    .with("attempt_timeouts", json!({"manifests": "1s", "blobs": "24h"})),
            )
            .backend(
                "c",
                Backend::at("https://c.example")
                    .with("attempt_timeouts", json!({"manifests": "60s"})),
            )
            .rule(Rule::of("a").chain(["a"]).owner("a"))
            .rule(Rule::of("b").chain(["b"]))
            .rule(Rule::of("c").chain(["c"]))
            .rule(Rule::of("all").chain(["a", "b"]))
    }
    const BLOB: &str =
        "/v2/x/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_only_backend_may_take_as_long_as_the_policy_says() {
        let config = policy().read_by(Config::from_json);
        let seconds = Duration::from_secs;
        #[rustfmt::skip]
        let rows = [
            ("a", "GET", BLOB, Some(seconds(180)), "written"),
            ("a", "HEAD", BLOB, Some(seconds(180)), "written"),
            ("a", "HEAD", "/v2/x/manifests/v1", Some(seconds(180)), "HEAD is as a blob"),
            ("a", "GET", "/v2/x/manifests/v1", None, "not written: the route has a time"),
            ("a", "PUT", "/v2/x/manifests/v1", None, "writes have times of their own"),
            ("a", "DELETE", "/v2/x/manifests/v1", None, "writes have times of their own"),
            ("b", "GET", BLOB, Some(seconds(24 * 60 * 60)), "a day"),
            ("b", "GET", "/v2/x/manifests/v1", Some(seconds(1)), "a second"),
            ("b", "GET", "/v2/x/tags/list", Some(seconds(1)), "lists of tags are small too"),
            ("b", "GET", "/v2/_catalog", Some(seconds(1)), "the catalogue too"),
            ("c", "GET", BLOB, None, "nothing written"),
            ("c", "GET", "/v2/x/manifests/v1", None, "the route has the same"),
            ("a+b", "GET", BLOB, None, "there are others"),
        ];
        for (name, method, target, expected, reason) in rows {
            let list =
                |list: &&BackendList| list.purpose() == Purpose::Read && list.cluster() == name;
            let list = config.lists().iter().find(list).unwrap();
            let request = oci::parse(method.as_bytes(), target.as_bytes()).unwrap();
            assert_eq!(
                alone(&config, list, &request),
                expected,
                "{name} {method} {target}: {reason}"
            );
        }
    }
}
