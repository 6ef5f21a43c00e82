//! How a policy names clients by their networks: a prefix, or a label of `networks`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::advice;
use crate::config::network;
use crate::config::wanted::Wanted;
use crate::config::wire::regions::is_label_start;

/// What to write where a network is expected.
pub(super) const PROXY: Wanted<'static> = Wanted::explained(
    "an address prefix such as `10.0.0.0/8` or `2001:db8::/32`, host bits zero, or a label of \
     `networks` such as `cloudflare`",
    advice::network::of_proxy,
);

/// One of the trusted proxies, or all of a label.
pub(crate) enum ProxyWire {
    Prefix(IpNet),
    /// A label of `networks`, or the start of labels and a `*`.
    Label(String),
}

impl ProxyWire {
    /// A label has a letter first; what looks like an address is one, or a mistake in one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(prefix) = network::parse(text) {
            return Some(Self::Prefix(prefix));
        }
        let is_address = text.contains('/') || text.parse::<IpAddr>().is_ok();
        let is_label = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let label = text.strip_suffix('*').unwrap_or(text);
        (is_label && !is_address && is_label_start(label)).then(|| Self::Label(text.to_owned()))
    }
}
