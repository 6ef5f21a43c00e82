//! Where the nodes of caches ask to be filled.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use portolan_core::config::{BackendUrl, Scheme};

use super::node_error::NodeError;

/// The URL of the listener that fills caches, as nodes reach it: host and port, and the scheme if
/// one is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillUrl {
    scheme: Option<Scheme>,
    authority: String,
    is_address: bool,
}

impl FillUrl {
    /// The listener's own address.
    ///
    /// # Errors
    ///
    /// The address stands for all of a machine's, and nobody can ask there.
    pub(super) fn of(address: SocketAddr) -> Result<Self, NodeError> {
        if address.ip().is_unspecified() {
            return Err(NodeError::UnspecifiedFill);
        }
        Ok(Self { scheme: None, authority: address.to_string(), is_address: true })
    }

    /// The URL for the nodes of a cache with TLS, or without.
    ///
    /// # Errors
    ///
    /// Another scheme was told.
    pub(super) fn whole(&self, has_tls: bool) -> Result<String, NodeError> {
        let scheme = if has_tls { Scheme::Https } else { Scheme::Http };
        match self.scheme {
            Some(told) if told != scheme => Err(NodeError::SchemeOfFill { has_tls }),
            _ => Ok(format!("{}://{}", scheme.as_str(), self.authority)),
        }
    }

    /// Whether the host is an address, which no name in a certificate is compared with.
    pub(super) const fn is_address(&self) -> bool {
        self.is_address
    }
}

impl FromStr for FillUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = BackendUrl::parse(text).filter(|url| url.base_path().is_empty());
        let url = url.ok_or("write scheme, host and port, such as `http://portolan-fill:8081`")?;
        Ok(Self {
            scheme: Some(url.scheme()),
            authority: url.authority().to_owned(),
            is_address: url.host().parse::<IpAddr>().is_ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_nodes_can_ask_at() {
        #[rustfmt::skip]
        let rows = [
            ("http://portolan-fill:8081", false, Some("http://portolan-fill:8081"), "a name"),
            ("http://[2001:db8::1]:8081/", false, Some("http://[2001:db8::1]:8081"), "an address"),
            ("https://portolan-fill:8081", true, Some("https://portolan-fill:8081"), "with TLS"),
            ("https://portolan-fill:8081", false, None, "the cache has no TLS"),
            ("http://portolan-fill:8081", true, None, "the cache has TLS"),
            ("http://portolan-fill:8081/v2", false, None, "nodes append the path"),
            ("portolan-fill:8081", false, None, "no scheme"),
        ];
        for (text, has_tls, expected, reason) in rows {
            let found = text.parse::<FillUrl>().ok().and_then(|url| url.whole(has_tls).ok());
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn an_address_of_all_addresses_is_none() {
        let of = |text: &str, has_tls| FillUrl::of(text.parse().unwrap()).ok()?.whole(has_tls).ok();
        assert_eq!(of("10.0.0.5:8081", false).as_deref(), Some("http://10.0.0.5:8081"));
        assert_eq!(of("10.0.0.5:8081", true).as_deref(), Some("https://10.0.0.5:8081"));
        assert_eq!(of("0.0.0.0:8081", false), None);
    }
}
