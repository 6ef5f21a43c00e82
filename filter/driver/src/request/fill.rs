//! The answer that fills a cache: its digest is checked while it passes, so that no node keeps
//! other content.

use portolan_core::config::{Cache, Config};
use portolan_core::content::Expected;
use portolan_core::contract::{StateKey, headers};
use portolan_core::oci::{Method, parse};
use portolan_core::policy::cache;
use portolan_core::reply::{self, Reply};
use portolan_core::{RequestHead, grammar::Digest};

use crate::callback::Callback;
use crate::exchange::CONTENT_DIGEST;
use crate::header_map::HeaderMap;

const OK: u16 = 200;
const ACCEPT_ENCODING: &str = "accept-encoding";
const CONTENT_LENGTH: &str = "content-length";
const ETAG: &str = "etag";
const CACHE_CONTROL: &str = "cache-control";
/// Content by digest never changes (RFC 8246), whatever its registry says: a node would not keep
/// what is `private`. For clients the node says that it is, because who may read it is decided for
/// each request.
const NEVER_CHANGES: &[u8] = b"max-age=31536000, immutable";

/// Notes the content that is asked for, for the answer, which may be that of a later pass.
/// Compressed it would be other bytes than the digest names.
pub(super) fn note(
    head: &RequestHead<'_>,
    config: &Config,
    headers: &HeaderMap,
    call: &mut Callback<'_>,
) {
    let Ok(request) = parse(head.method, head.target) else { return };
    let digest = cache::content(&request.endpoint).filter(|_| request.method == Method::Get);
    if let Some(digest) = digest {
        call.set_state(StateKey::Filled, digest.as_str().as_bytes().to_vec());
        call.remove_request_header(ACCEPT_ENCODING);
    }
    if let Some(node) = headers.first(headers::CACHE_NODE) {
        note_node(node, config, call);
        call.remove_request_header(headers::CACHE_NODE);
    }
}

/// Who is filled, if the policy has that node: the names become labels of metrics.
fn note_node(node: &[u8], config: &Config, call: &mut Callback<'_>) {
    let cache = str::from_utf8(node).ok().and_then(|name| config.cache_of_node(name));
    if let Some(name) = cache.map(Cache::name) {
        call.set_state(StateKey::Cache, name.as_bytes().to_vec());
        call.set_state(StateKey::CacheNode, node.to_vec());
    }
}

/// Has the body checked, where it is the whole: a node keeps nothing else.
pub(super) fn check(call: &mut Callback<'_>) {
    if call.exchange.status() != Some(OK) {
        return;
    }
    let Some(digest) = call.state(StateKey::Filled) else { return };
    let length = call.exchange.response_header(CONTENT_LENGTH);
    let length = length.and_then(|length| str::from_utf8(&length).ok()?.parse().ok());
    let Some(digest) = Digest::parse(&digest) else { return };
    if let Some(expected) = Expected::new(&digest, length) {
        call.check_body(expected);
        describe(&digest, call);
    }
}

/// A node keeps these headers with the content and compares `If-None-Match` and `If-Range` with
/// them: so they are the same whichever registry filled it.
fn describe(digest: &Digest, call: &mut Callback<'_>) {
    call.set_response_header(CONTENT_DIGEST, digest.as_str().as_bytes().to_vec());
    call.set_response_header(ETAG, format!("\"{}\"", digest.as_str()).into_bytes());
    call.set_response_header(CACHE_CONTROL, NEVER_CHANGES);
}

/// What is said of other content: to whom, if nothing has gone out yet, and to the operator.
pub(super) fn refuse(call: &mut Callback<'_>) -> Reply {
    let text = |value: Option<Vec<u8>>| {
        value.map_or_else(String::new, |value| String::from_utf8_lossy(&value).into_owned())
    };
    let of_the_host = call.exchange.backend().filter(|name| !name.is_empty());
    let backend = text(of_the_host.or_else(|| call.state(StateKey::RedirectedBy)));
    let digest = text(call.state(StateKey::Filled));
    call.explain("wrong content");
    call.warn_once(format!(
        "portolan: backend {backend} has sent other content than {digest}; a cache was not filled with it"
    ));
    reply::wrong_content()
}
