//! The reads of the driver, as calls to Envoy.

use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey};
use portolan_driver::{Exchange, HeaderMap};
use proxy_wasm::types::{BufferType, MapType};

use crate::{host, shared};

/// Unlike a header, no client can send it.
const ADDRESS_ATTRIBUTE: &str = "source\0address";

/// The stream that is the effective context, and Envoy.
pub(crate) struct Envoy;

impl Exchange for Envoy {
    fn now(&self) -> u64 {
        host::now()
    }

    fn request_headers(&self) -> Option<HeaderMap> {
        host::header_map(MapType::HttpRequestHeaders)
    }

    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        host::header(MapType::HttpRequestHeaders, name)
    }

    fn request_body(&self, size: usize) -> Vec<u8> {
        host::body(BufferType::HttpRequestBody, size)
    }

    fn response_headers(&self) -> Option<HeaderMap> {
        host::header_map(MapType::HttpResponseHeaders)
    }

    fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        host::header(MapType::HttpResponseHeaders, name)
    }

    /// Each call that returns bytes has Envoy enter the machine again for the memory.
    fn reads_all_for_less_than_three(&self) -> bool {
        true
    }

    fn client_address(&self) -> Option<Vec<u8>> {
        host::property(ADDRESS_ATTRIBUTE)
    }

    fn backend(&self) -> Option<Vec<u8>> {
        host::property(BACKEND_ATTRIBUTE)
    }

    fn state(&self, key: StateKey) -> Option<Vec<u8>> {
        host::property(key.name())
    }

    fn pushed_until(&self, slot: u32) -> u64 {
        shared::pushed_until(slot)
    }

    fn remembered_tag(&self, slot: u32) -> Option<Vec<u8>> {
        shared::remembered_tag(slot)
    }
}
