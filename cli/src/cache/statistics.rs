//! Statistics of an Apache Traffic Server that show how a node is used.

use serde::Serialize;
use serde_json::Value;

/// The numbers of one node, since it was started. The names of the fields are those of the JSON,
/// and stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Statistics {
    /// The server's version.
    pub(super) server: String,
    /// The size of the store, in bytes.
    pub(super) store_bytes: u64,
    /// What is in use of it. A store that has been full once stays so: what comes takes the place
    /// of the oldest.
    pub(super) used_bytes: u64,
    /// How often the store was full and began from its beginning.
    pub(super) wraps: u64,
    /// Requests for content that it had.
    pub(super) hits: u64,
    /// Requests that were sent what it was fetching for another one.
    pub(super) coalesced: u64,
    /// Requests for content that it fetched.
    pub(super) misses: u64,
    /// Bytes of bodies that it sent.
    pub(super) sent_bytes: u64,
    /// Bytes of bodies that it fetched.
    pub(super) fetched_bytes: u64,
}

impl Statistics {
    /// Those of the JSON of `stats_over_http`, in which each number is a text.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let said: Value = serde_json::from_slice(text).ok()?;
        let global = said.get("global")?;
        let number = |name: &str| {
            let value = global.get(format!("proxy.process.{name}"))?;
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        };
        Some(Self {
            server: global.get("proxy.process.version.server.short")?.as_str()?.to_owned(),
            store_bytes: number("cache.bytes_total")?,
            used_bytes: number("cache.bytes_used")?,
            wraps: number("cache.wrap_count")?,
            hits: number("http.cache_hit_fresh")?,
            coalesced: number("http.cache_hit_rww")?,
            misses: number("http.cache_miss_cold")?,
            sent_bytes: number("http.user_agent_response_document_total_size")?,
            fetched_bytes: number("http.origin_server_response_document_total_size")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"{"global": {
        "proxy.process.version.server.short": "9.2.9",
        "proxy.process.cache.bytes_total": "66985984",
        "proxy.process.cache.bytes_used": "24051712",
        "proxy.process.cache.wrap_count": "0",
        "proxy.process.http.cache_hit_fresh": "7",
        "proxy.process.http.cache_hit_mem_fresh": "3",
        "proxy.process.http.cache_hit_rww": "2",
        "proxy.process.http.cache_miss_cold": "8",
        "proxy.process.http.user_agent_response_document_total_size": "24001054",
        "proxy.process.http.origin_server_response_document_total_size": 24000003
    }}"#;

    #[test]
    fn texts_of_the_statistics() {
        let expected = Statistics {
            server: "9.2.9".to_owned(),
            store_bytes: 66_985_984,
            used_bytes: 24_051_712,
            wraps: 0,
            hits: 7,
            coalesced: 2,
            misses: 8,
            sent_bytes: 24_001_054,
            fetched_bytes: 24_000_003,
        };
        assert_eq!(Statistics::read(SAID.as_bytes()), Some(expected));
        for other in ["", "{}", "<html>", &SAID.replace("wrap_count", "other")] {
            assert_eq!(Statistics::read(other.as_bytes()), None, "{other}");
        }
    }
}
