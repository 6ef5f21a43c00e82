//! The peers whose statement about a client's address a listener trusts.

use ipnet::IpNet;
use portolan_core::config::Clients;

/// Whose `X-Forwarded-For` is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardedFor<'p> {
    /// Nobody's: a client is who connects.
    Nobody,
    /// That of so many proxies in front, whoever they are.
    Hops(u32),
    /// That of proxies with these addresses.
    Proxies(&'p [IpNet]),
}

impl<'p> ForwardedFor<'p> {
    /// What a policy says of its clients.
    pub(super) fn of(clients: &'p Clients) -> Self {
        match (clients.trusted_proxies(), clients.trusted_hops()) {
            ([], 0) => Self::Nobody,
            ([], hops) => Self::Hops(hops),
            (proxies, _) => Self::Proxies(proxies),
        }
    }
}
