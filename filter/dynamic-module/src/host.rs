//! Every call to Envoy about a stream or a configuration, in one place. Headers are bytes; what
//! Envoy does not have is `None`.
#![expect(unsafe_code, reason = "Envoy's functions are foreign")]

use std::ptr::null_mut;
use std::time::{SystemTime, UNIX_EPOCH};

use portolan_core::contract::{BACKEND, NAMESPACE, Span, StateKey};
use portolan_core::reply::Reply;
use portolan_driver::header_map::serialize;
use portolan_driver::{Call, Exchange, HeaderMap, Side, StreamId};

use crate::abi::{Bytes, Callbacks, Header, Object, value};
use crate::{pushes, tags};

/// A filter of a stream of Envoy's, during one of its hooks.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) envoy: &'static Callbacks,
    pub(crate) filter: Object,
}

/// The name of the number of a request's stream, in Envoy's filter state.
const REQUEST: &str = "portolan_module.stream";

/// Nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Writes a line into Envoy's log.
pub(crate) fn log(envoy: &Callbacks, level: u32, line: &str) {
    // SAFETY: the line is there during the call.
    unsafe { (envoy.log)(level, Bytes::of(line.as_bytes())) }
}

const fn of(side: Side) -> u32 {
    match side {
        Side::Request => value::REQUEST,
        Side::Response => value::RESPONSE,
    }
}

/// Headers that Envoy has handed over, as the driver reads them.
///
/// # Safety
///
/// As [`Bytes::get`] for each.
pub(crate) unsafe fn header_map(headers: &[Header]) -> HeaderMap {
    // SAFETY: as the caller says.
    let pairs = headers.iter().map(|header| unsafe { (header.name.get(), header.value.get()) });
    HeaderMap::new(serialize(pairs))
}

/// Bytes that Envoy puts somewhere, if it has them.
fn receive(call: impl FnOnce(*mut Bytes) -> bool) -> Option<Vec<u8>> {
    let mut found = Bytes::NOTHING;
    let is_there = call(&raw mut found);
    // SAFETY: Envoy has put them there just now.
    is_there.then(|| unsafe { found.get() }.to_vec())
}

impl Host {
    fn headers(&self, side: Side) -> Option<HeaderMap> {
        // SAFETY: Envoy writes as many headers as it has said, and they are there until the hook
        // returns.
        unsafe {
            let count = (self.envoy.http_get_headers_size)(self.filter, of(side));
            let mut headers = vec![Header::NONE; count];
            (self.envoy.http_get_headers)(self.filter, of(side), headers.as_mut_ptr())
                .then(|| header_map(&headers))
        }
    }

    fn header(&self, side: Side, name: &str) -> Option<Vec<u8>> {
        let name = Bytes::of(name.as_bytes());
        // SAFETY: all pointers are good during the call; the null pointer says that nobody wants to
        // know the number.
        receive(|found| unsafe {
            (self.envoy.http_get_header)(self.filter, of(side), name, found, 0, null_mut())
        })
    }

    /// Sets a header to one value, whatever it had before.
    pub(crate) fn set_header(&self, side: Side, name: &str, value: &[u8]) {
        let (name, value) = (Bytes::of(name.as_bytes()), Bytes::of(value));
        // SAFETY: name and value are there during the call.
        unsafe { (self.envoy.http_set_header)(self.filter, of(side), name, value) };
    }

    /// Adds one more value of a header.
    pub(crate) fn add_header(&self, side: Side, name: &str, value: &[u8]) {
        let (name, value) = (Bytes::of(name.as_bytes()), Bytes::of(value));
        // SAFETY: name and value are there during the call.
        unsafe { (self.envoy.http_add_header)(self.filter, of(side), name, value) };
    }

    /// Removes every value of a header.
    pub(crate) fn remove_header(&self, side: Side, name: &[u8]) {
        let nothing = Bytes::NOTHING;
        // SAFETY: the name is there during the call; no value means that the header is removed.
        unsafe { (self.envoy.http_set_header)(self.filter, of(side), Bytes::of(name), nothing) };
    }

    /// Keeps a property of the request in Envoy's filter state, under the name that another host
    /// would give it.
    pub(crate) fn set_state(&self, key: StateKey, text: &[u8]) {
        let lasts = match key.span() {
            Span::Pass => value::FILTER_CHAIN,
            Span::Request => value::WHOLE_REQUEST,
        };
        let (name, text) = (Bytes::of(key.object().as_bytes()), Bytes::of(text));
        let (set, shared) = (self.envoy.http_set_filter_state_value, value::NOT_SHARED);
        // SAFETY: name and text are there during the call.
        unsafe { set(self.filter, name, text, lasts, shared) };
    }

    /// Says which stream the request is of this pass, for its attempts.
    pub(crate) fn note_request(&self, id: StreamId) {
        let (name, lasts) = (Bytes::of(REQUEST.as_bytes()), value::FILTER_CHAIN);
        let (id, shared) = (id.to_ne_bytes(), value::NOT_SHARED);
        // SAFETY: name and number are there during the call.
        unsafe {
            let set = self.envoy.http_set_filter_state_value;
            set(self.filter, name, Bytes::of(&id), lasts, shared);
        }
    }

    /// Which stream the request of an attempt is.
    pub(crate) fn request(&self) -> Option<StreamId> {
        let state = self.envoy.http_get_filter_state_bytes;
        // SAFETY: all pointers are good during the call.
        let id = receive(|id| unsafe { state(self.filter, Bytes::of(REQUEST.as_bytes()), id) });
        id?.try_into().ok().map(StreamId::from_ne_bytes)
    }

    /// Answers the request here; `details` is for the access log and for Envoy's local replies.
    pub(crate) fn reply(&self, reply: &Reply, details: &str) {
        let pairs = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = headers(pairs);
        let text = reply.body.text();
        let (body, details) = (Bytes::of(text.as_bytes()), Bytes::of(details.as_bytes()));
        let (start, count) = (headers.as_ptr(), headers.len());
        let status = u32::from(reply.status);
        // SAFETY: everything is there during the call.
        unsafe {
            (self.envoy.http_send_response)(self.filter, status, start, count, body, details);
        }
    }

    /// How much of the body of a request is there that has not gone on.
    pub(crate) fn body_size(&self) -> usize {
        let sizes = self.bodies().iter().map(|kind| {
            // SAFETY: no pointers but the filter.
            unsafe { (self.envoy.http_get_body_size)(self.filter, *kind) }
        });
        sizes.fold(0, usize::saturating_add)
    }

    /// The two places where a body may be. After a pause Envoy shows what it has kept as if it had
    /// just come.
    fn bodies(&self) -> &'static [u32] {
        const BOTH: [u32; 2] = [value::BUFFERED_REQUEST_BODY, value::RECEIVED_REQUEST_BODY];
        // SAFETY: no pointers but the filter.
        let is_the_same = unsafe { (self.envoy.http_received_buffered_request_body)(self.filter) };
        if is_the_same { &BOTH[1..] } else { &BOTH }
    }

    fn body(&self, kind: u32) -> Vec<u8> {
        // SAFETY: Envoy writes as many chunks as it has said, and they are there until the hook
        // returns.
        unsafe {
            let count = (self.envoy.http_get_body_chunks_size)(self.filter, kind);
            let mut chunks = vec![Bytes::NOTHING; count];
            if !(self.envoy.http_get_body_chunks)(self.filter, kind, chunks.as_mut_ptr()) {
                return Vec::new();
            }
            chunks.into_iter().flat_map(|chunk| chunk.get()).copied().collect()
        }
    }

    /// Hands over what has just come of the body of a response, part by part.
    pub(crate) fn with_response_body(&self, mut work: impl FnMut(&[u8])) {
        let kind = value::RECEIVED_RESPONSE_BODY;
        // SAFETY: Envoy writes as many chunks as it has said, and they are there until the hook
        // returns.
        unsafe {
            let count = (self.envoy.http_get_body_chunks_size)(self.filter, kind);
            let mut chunks = vec![Bytes::NOTHING; count];
            if (self.envoy.http_get_body_chunks)(self.filter, kind, chunks.as_mut_ptr()) {
                for chunk in chunks {
                    work(chunk.get());
                }
            }
        }
    }

    /// Takes out the first `size` bytes of what has just come of the body of a request.
    pub(crate) fn drop_body(&self, size: usize) {
        // SAFETY: no pointers but the filter.
        unsafe {
            (self.envoy.http_drain_body)(self.filter, value::RECEIVED_REQUEST_BODY, size);
        }
    }

    /// Has Envoy find the route anew, as headers have changed.
    pub(crate) fn clear_route(&self) {
        // SAFETY: no pointers but the filter.
        unsafe { (self.envoy.http_clear_route_cache)(self.filter) };
    }

    /// Lets a paused request go on.
    pub(crate) fn resume(&self) {
        // SAFETY: no pointers but the filter.
        unsafe { (self.envoy.http_filter_continue_decoding)(self.filter) };
    }

    /// Makes a request in the name of this stream; whether that was possible.
    pub(crate) fn call(&self, call: &Call) -> bool {
        start(call, self.filter, self.envoy.http_filter_http_callout).is_some()
    }
}

impl Exchange for Host {
    fn now(&self) -> u64 {
        now()
    }

    fn request_headers(&self) -> Option<HeaderMap> {
        self.headers(Side::Request)
    }

    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        self.header(Side::Request, name)
    }

    fn request_body(&self, size: usize) -> Vec<u8> {
        let mut body: Vec<u8> = self.bodies().iter().flat_map(|kind| self.body(*kind)).collect();
        body.truncate(size);
        body
    }

    fn response_headers(&self) -> Option<HeaderMap> {
        self.headers(Side::Response)
    }

    fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        self.header(Side::Response, name)
    }

    fn client_address(&self) -> Option<Vec<u8>> {
        let attribute = self.envoy.http_filter_get_attribute_string;
        // SAFETY: the pointer is good during the call.
        receive(|found| unsafe { attribute(self.filter, value::SOURCE_ADDRESS, found) })
    }

    fn backend(&self) -> Option<Vec<u8>> {
        let (space, key) = (Bytes::of(NAMESPACE.as_bytes()), Bytes::of(BACKEND.as_bytes()));
        let metadata = self.envoy.http_get_metadata_string;
        // SAFETY: all pointers are good during the call.
        receive(|found| unsafe { metadata(self.filter, value::OF_HOST, space, key, found) })
    }

    fn state(&self, key: StateKey) -> Option<Vec<u8>> {
        let (name, state) = (key.object(), self.envoy.http_get_filter_state_bytes);
        // SAFETY: all pointers are good during the call.
        receive(|found| unsafe { state(self.filter, Bytes::of(name.as_bytes()), found) })
    }

    fn pushed_until(&self, slot: u32) -> u64 {
        pushes::until(slot)
    }

    fn remembered_tag(&self, slot: u32) -> Option<Vec<u8>> {
        tags::remembered(slot)
    }
}

/// The call of Envoy's that begins a request in the name of an object of its.
type Start = unsafe extern "C" fn(Object, *mut u64, Bytes, *const Header, usize, Bytes, u64) -> u32;

/// Begins a request; its number, if that was possible.
pub(crate) fn start(call: &Call, caller: Object, start: Start) -> Option<u64> {
    let headers = headers(call.headers.iter().map(|(name, value)| (*name, value.as_str())));
    let body = Some(Bytes::of(call.body.as_bytes())).filter(|_| !call.body.is_empty());
    let body = body.unwrap_or(Bytes::NOTHING);
    let cluster = Bytes::of(call.cluster.as_bytes());
    let timeout = u64::try_from(call.timeout.as_millis()).unwrap_or(u64::MAX);
    let (list, count) = (headers.as_ptr(), headers.len());
    let mut number = 0;
    // SAFETY: everything is there during the call.
    let status = unsafe { start(caller, &raw mut number, cluster, list, count, body, timeout) };
    (status == value::SUCCESS).then_some(number)
}

fn headers<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Header> {
    let bytes = |text: &str| Bytes::of(text.as_bytes());
    pairs.map(|(name, value)| Header { name: bytes(name), value: bytes(value) }).collect()
}
