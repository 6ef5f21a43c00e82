//! Rate limits of clients.

use std::time::Duration;

use ipnet::IpNet;

use crate::config::budget::Budget;

/// The limits of clients: by the networks that they are in, and by what they ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    pub(crate) networks: Vec<NetworkLimit>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) except: Vec<IpNet>,
    pub(crate) entries: u32,
}

/// How many requests one network may make: tokens that come back evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkLimit {
    /// How many requests.
    pub requests: u32,
    /// In how long a time; at least a second.
    pub per: Duration,
    /// How many at once, where none came before.
    pub burst: u32,
    /// The length of the prefix whose clients share a limit.
    pub ipv4: u8,
    /// The same for IPv6. A household or a machine has a /64 or more.
    pub ipv6: u8,
}

impl ClientLimits {
    /// How many networks are remembered if the policy does not say.
    pub(crate) const ENTRIES: u32 = 100_000;

    /// How many requests of a kind are carried; a request has to be within each that is about it.
    #[must_use]
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// All of the networks'; a request has to be within each.
    #[must_use]
    pub fn networks(&self) -> &[NetworkLimit] {
        &self.networks
    }

    /// Whose requests are not counted.
    #[must_use]
    pub fn except(&self) -> &[IpNet] {
        &self.except
    }

    /// How many networks, or values of what a budget is kept apart by, are remembered for each
    /// limit. Where there are more, the one that has been silent for longest is forgotten.
    #[must_use]
    pub const fn entries(&self) -> u32 {
        self.entries
    }
}
