//! Headers of a request that no backend gets.
//!
//! A backend may belong to another company, in another country. Its only client is the proxy, which
//! may have a credential of its own there. Names are matched by families, because every proxy and
//! framework has its own names for the same fact.

/// Whether a request loses this header on its way to a backend; the name in lower case.
///
/// Envoy's configuration removes more, behind the filter: what Envoy adds itself
/// (`x-forwarded-for`, and `x-forwarded-proto`, without which Envoy finds no route), the geo
/// headers of a policy, and the headers between the filter and Envoy. `authorization` is decided
/// for each backend.
#[must_use]
pub fn is_withheld(name: &[u8]) -> bool {
    match name.first() {
        Some(b'x') => name.strip_prefix(b"x-").is_some_and(is_extension_withheld),
        Some(b'c') => {
            // What the client carries for the front's domain, such as a company's single sign-on;
            // the address of the client (Cloudflare).
            matches!(name, b"cookie" | b"cookie2") || is_client_address(name)
        }
        Some(b'f') => matches!(name, b"forwarded" | b"front-end-https") || is_client_address(name),
        Some(b'p') => name == b"proxy-authorization",
        Some(b't') => is_client_address(name),
        _ => false,
    }
}

/// The same for a name that begins with `x-`, without that.
fn is_extension_withheld(name: &[u8]) -> bool {
    // How the client reached the front: registries build the URLs of their answers from these.
    // `x-original-url` and its kind name another request than the one that was decided about.
    (name.starts_with(b"forwarded-") && !matches!(name, b"forwarded-for" | b"forwarded-proto"))
        || name.starts_with(b"original-")
        || is_client_address(name)
        || is_method_override(name)
        || matches!(name, b"real-ip" | b"host" | b"rewrite-url" | b"accel-redirect")
}

/// `true-client-ip`, `cf-connecting-ip`, `fastly-client-ip`, `x-client-ip`, `x-cluster-client-ip`,
/// `x-azure-clientip`.
fn is_client_address(name: &[u8]) -> bool {
    name.ends_with(b"client-ip") || name.ends_with(b"clientip") || name.ends_with(b"connecting-ip")
}

/// `x-http-method`, `x-http-method-override`, `x-method-override`: frameworks take the method from
/// these, so that a read would become a deletion.
fn is_method_override(name: &[u8]) -> bool {
    name == b"http-method" || name.ends_with(b"method-override")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_learns_nothing_of_the_client_and_of_another_request() {
        let withheld = [
            ("the client's address", "x-real-ip x-client-ip true-client-ip cf-connecting-ip"),
            ("the client's address", "cf-connecting-ip x-cluster-client-ip fastly-client-ip"),
            ("the client's address", "x-azure-clientip x-original-forwarded-for forwarded"),
            ("how the front is reached", "x-forwarded-host x-forwarded-port x-forwarded-prefix"),
            ("how the front is reached", "x-forwarded-server x-forwarded-scheme x-forwarded-ssl"),
            ("how the front is reached", "x-original-host x-host front-end-https"),
            ("another method", "x-http-method x-http-method-override x-method-override"),
            ("another method", "x-original-method x-forwarded-method"),
            ("another path", "x-original-uri x-original-url x-rewrite-url x-forwarded-uri"),
            ("another path", "x-accel-redirect"),
            ("for the front's domain", "cookie cookie2 proxy-authorization"),
        ];
        for (reason, names) in withheld {
            for name in names.split(' ') {
                assert!(is_withheld(name.as_bytes()), "{name}: {reason}");
            }
        }
    }

    #[test]
    fn headers_that_a_registry_needs_pass() {
        let passing = "accept accept-encoding authorization content-length content-range content-type \
                       docker-content-digest docker-distribution-api-version host if-match if-none-match range \
                       oci-tag user-agent x-request-id x-registry-auth x-meta-source-client traceparent te \
                       connection cdn-loop x x- client-i forwarded-by \
                       x-forwarded-for x-forwarded-proto x-envoy-max-retries x-portolan-cluster";
        for name in passing.split_whitespace() {
            assert!(!is_withheld(name.as_bytes()), "{name}");
        }
    }
}
