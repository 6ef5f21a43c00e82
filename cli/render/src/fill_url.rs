//! Where the nodes of caches ask to be filled.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use portolan_core::config::BackendUrl;

use super::node_error::NodeError;

/// The URL of the listener that fills caches, as nodes reach it: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillUrl(String);

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
        Ok(Self(format!("http://{address}")))
    }
}

impl FromStr for FillUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = BackendUrl::parse(text)
            .filter(|url| text.starts_with("http://") && url.base_path().is_empty());
        match url {
            Some(url) => Ok(Self(format!("http://{}", url.authority()))),
            None => {
                Err("write `http`, a host and a port, such as `http://portolan-fill:8081`"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for FillUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_nodes_can_ask_at() {
        #[rustfmt::skip]
        let rows = [
            ("http://portolan-fill:8081", Some("http://portolan-fill:8081"), "a name"),
            ("http://[2001:db8::1]:8081/", Some("http://[2001:db8::1]:8081"), "an address"),
            ("https://portolan-fill:8081", None, "the listener has no certificate"),
            ("http://portolan-fill:8081/v2", None, "nodes append the path"),
            ("portolan-fill:8081", None, "no scheme"),
        ];
        for (text, expected, reason) in rows {
            let found = text.parse::<FillUrl>().ok().map(|url| url.to_string());
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }

    #[test]
    fn an_address_of_all_addresses_is_none() {
        let of = |text: &str| FillUrl::of(text.parse().unwrap()).map(|url| url.to_string()).ok();
        assert_eq!(of("10.0.0.5:8081").as_deref(), Some("http://10.0.0.5:8081"));
        assert_eq!(of("0.0.0.0:8081"), None);
    }
}
