//! The calls to Envoy about streams, and its clock.
//!
//! The SDK's own functions panic on a status they do not expect and decode headers as UTF-8;
//! one request with the bytes `ff fe` in a header would then stop the worker. These return
//! `None` or do nothing instead, and headers are bytes. Calls that no client's bytes reach, and
//! whose every status of Envoy's the SDK expects, are the SDK's: [`hostcalls`].
#![expect(unsafe_code, reason = "the host's functions are foreign; this is the only file with any")]

use std::ptr::null_mut;
use std::time::Duration;

use portolan_core::contract::StateKey;
use portolan_core::reply::Reply;
use portolan_driver::HeaderMap;
use portolan_driver::header_map::serialize;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType};

/// The status of a host call that did what it was asked.
const OK: u32 = 0;

/// Bytes that the host reads, and behind it their number.
type In = *const u8;
/// Where the host puts a block of memory, and its size.
type Out = *mut *mut u8;
type Size = *mut usize;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: Out, size: Size) -> u32;
    fn proxy_get_header_map_value(map: u32, name: In, n: usize, data: Out, size: Size) -> u32;
    fn proxy_replace_header_map_value(map: u32, name: In, n: usize, value: In, v: usize) -> u32;
    fn proxy_add_header_map_value(map: u32, name: In, n: usize, value: In, v: usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: In, n: usize) -> u32;
    fn proxy_get_property(path: In, p: usize, data: Out, size: Size) -> u32;
    fn proxy_set_property(path: In, p: usize, value: In, v: usize) -> u32;
    fn proxy_set_buffer_bytes(kind: u32, start: usize, n: usize, data: In, d: usize) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: In,
        details_size: usize,
        body: In,
        body_size: usize,
        headers: In,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

/// Calls a host function that hands over memory it had this module allocate.
#[expect(
    clippy::same_length_and_capacity,
    reason = "the SDK's allocation function reserves exactly what the host asks for and fills"
)]
fn receive(call: impl FnOnce(Out, Size) -> u32) -> Option<Vec<u8>> {
    let mut data: *mut u8 = null_mut();
    let mut size = 0;
    let status = call(&raw mut data, &raw mut size);
    if status != OK || data.is_null() {
        return None;
    }
    // SAFETY: the host filled a block of exactly `size` bytes that it got from
    // `proxy_on_memory_allocate`, which makes it with the global allocator and this capacity,
    // and leaves it to us.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// All headers.
pub(crate) fn header_map(headers: MapType) -> Option<HeaderMap> {
    // SAFETY: both pointers are valid for writes during the call.
    let bytes =
        receive(|data, size| unsafe { proxy_get_header_map_pairs(headers as u32, data, size) });
    bytes.map(HeaderMap::new)
}

/// The first value of a header. Much cheaper than reading the map if the header is not there.
pub(crate) fn header(headers: MapType, name: &str) -> Option<Vec<u8>> {
    // SAFETY: `name` is valid for reads, the other pointers for writes, during the call.
    receive(|data, size| unsafe {
        proxy_get_header_map_value(headers as u32, name.as_ptr(), name.len(), data, size)
    })
}

/// Sets a header to one value, whatever it had before.
pub(crate) fn set_header(headers: MapType, name: &str, value: &[u8]) {
    let (n, v) = (name.len(), value.len());
    // SAFETY: `name` and `value` are valid for reads during the call.
    unsafe {
        proxy_replace_header_map_value(headers as u32, name.as_ptr(), n, value.as_ptr(), v);
    }
}

/// Adds one more value of a header.
pub(crate) fn add_header(headers: MapType, name: &str, value: &[u8]) {
    let (n, v) = (name.len(), value.len());
    // SAFETY: `name` and `value` are valid for reads during the call.
    unsafe {
        proxy_add_header_map_value(headers as u32, name.as_ptr(), n, value.as_ptr(), v);
    }
}

/// Removes every value of a header.
pub(crate) fn remove_header(headers: MapType, name: &[u8]) {
    // SAFETY: `name` is valid for reads during the call.
    unsafe { proxy_remove_header_map_value(headers as u32, name.as_ptr(), name.len()) };
}

/// An attribute of the stream; the parts of its path are separated by zero bytes.
pub(crate) fn property(path: &str) -> Option<Vec<u8>> {
    // SAFETY: `path` is valid for reads, the other pointers for writes, during the call.
    receive(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Keeps a property of this stream in Envoy's filter state, where access logs find it.
pub(crate) fn set_state(key: StateKey, value: &[u8]) {
    let name = key.name();
    // SAFETY: `name` and `value` are valid for reads during the call.
    unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
}

/// Has a property of this stream outlive the pass in which it is set: Envoy makes a request that it
/// redirects anew. To be called while the filter is configured.
pub(crate) fn outlive_passes(key: StateKey) {
    // Envoy's message `DeclarePropertyArguments`: field 1 is the name, field 5 the span, 1 being
    // that of the client's request.
    let name = key.name();
    let Ok(length) = u8::try_from(name.len()) else { return };
    let argument = [&[0x0a, length], name.as_bytes(), &[0x28, 1]].concat();
    // Envoy refuses a property that it knows already: from the configuration before this one.
    let _ = hostcalls::call_foreign_function("declare_property", Some(&argument));
}

/// Nanoseconds since 1970, by Envoy's clock.
pub(crate) fn now() -> u64 {
    let mut time = 0;
    // SAFETY: the pointer is valid for writes during the call.
    unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    time
}

/// Answers the request here; `details` is for the access log and for Envoy's local replies. The
/// stream must be paused afterwards.
pub(crate) fn reply(reply: &Reply, details: &str) {
    const NO_GRPC_STATUS: i32 = -1;
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let headers = serialize(headers);
    let body = reply.body.text();
    // SAFETY: all data is valid for reads during the call.
    unsafe {
        proxy_send_local_response(
            u32::from(reply.status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        );
    }
}

/// The first `size` bytes of a body, as far as they are there.
pub(crate) fn body(of: BufferType, size: usize) -> Vec<u8> {
    hostcalls::get_buffer(of, 0, size).ok().flatten().unwrap_or_default()
}

/// Takes out the first `size` bytes of the body of the request, as far as it is there.
pub(crate) fn drop_request_body(size: usize) {
    let nothing: &[u8] = &[];
    // SAFETY: `nothing` is valid for reads of no byte during the call.
    unsafe {
        let of_the_request = BufferType::HttpRequestBody as u32;
        proxy_set_buffer_bytes(of_the_request, 0, size, nothing.as_ptr(), nothing.len());
    }
}

/// Lets a paused request go on.
pub(crate) fn resume_request() {
    const REQUEST: u32 = 0;
    // SAFETY: there are no pointers.
    unsafe { proxy_continue_stream(REQUEST) };
}

/// How often the root context has its turn; zero for never.
pub(crate) fn set_tick_period(period: Duration) {
    const LONGEST: Duration = Duration::from_millis(u32::MAX as u64);
    // Envoy takes any period.
    let _ = hostcalls::set_tick_period(period.min(LONGEST));
}
