//! The values that can be read of one stream, and of the host, while a callback of that stream
//! runs.

use portolan_core::contract::StateKey;

use crate::header_map::HeaderMap;

/// The header of the request that has its identifier. The host sets it, or a proxy before it that
/// it trusts.
pub(crate) const REQUEST_ID: &str = "x-request-id";
/// The header by which a registry names the digest of what it answers with (OCI distribution spec,
/// "Pulling manifests").
pub(crate) const CONTENT_DIGEST: &str = "docker-content-digest";

/// The reads of a host. Each of them is a call that costs, so nothing is read before it is needed.
///
/// Nothing is written here: what is to be done are [effects](crate::Effect), which the host applies
/// when the callback is over. A read therefore shows the stream as it was when the callback began.
pub trait Exchange {
    /// Nanoseconds since 1970, by the clock that the worker is told the time by.
    fn now(&self) -> u64;

    /// All headers of the request.
    fn request_headers(&self) -> Option<HeaderMap>;

    /// The first value of a header of the request.
    fn request_header(&self, name: &str) -> Option<Vec<u8>>;

    /// The first `size` bytes of the body of the request, as far as they are there.
    fn request_body(&self, size: usize) -> Vec<u8>;

    /// All headers of the response.
    fn response_headers(&self) -> Option<HeaderMap>;

    /// The first value of a header of the response. Much cheaper than the map if the header is not
    /// there.
    fn response_header(&self, name: &str) -> Option<Vec<u8>>;

    /// Whether [all headers of the response](Self::response_headers) cost this host less than three
    /// of them, of which one is there, asked for one by one.
    fn reads_all_for_less_than_three(&self) -> bool {
        false
    }

    /// The client's address as the host trusts it, with its port.
    fn client_address(&self) -> Option<Vec<u8>>;

    /// The name of the backend whose endpoint the attempt that began last is at.
    fn backend(&self) -> Option<Vec<u8>>;

    /// What was kept of this request.
    fn state(&self, key: StateKey) -> Option<Vec<u8>>;

    /// Until when the repositories of this slot count as just pushed, in nanoseconds since 1970; 0
    /// for never. All workers of the process share it.
    fn pushed_until(&self, slot: u32) -> u64;

    /// What was kept of the tags of this slot ([`Effect::RememberTag`](crate::Effect)); nothing if
    /// nothing was. All workers of the process share it.
    fn remembered_tag(&self, slot: u32) -> Option<Vec<u8>>;

    /// The status of the response.
    fn status(&self) -> Option<u16> {
        let value = self.response_header(":status")?;
        std::str::from_utf8(&value).ok()?.parse().ok()
    }
}
