//! The reason for a region, and the precedence of reasons.

use crate::config::geography::{Continent, Country, Subdivision};
use ipnet::IpNet;
use std::fmt;

/// The fact that decided a client's region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The client's address is in this prefix of the policy.
    Network(IpNet),
    /// The policy names the client's subdivision.
    Subdivision(Subdivision),
    /// The policy names the client's country.
    Country(Country),
    /// The policy names the client's continent.
    Continent(Continent),
    /// The policy names nothing that is known of the client.
    Default,
}

/// How much a fact says about a client. Derived order: the last beats all before it.
///
/// A network is what the operator wrote about exactly these addresses, often to correct a
/// geographic database, and so it beats whatever the database says; in the geography the smaller
/// area beats the larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Specificity {
    Default,
    Continent,
    Country,
    Subdivision,
    Network,
}

impl Why {
    pub(super) const fn specificity(&self) -> Specificity {
        match self {
            Self::Network(_) => Specificity::Network,
            Self::Subdivision(_) => Specificity::Subdivision,
            Self::Country(_) => Specificity::Country,
            Self::Continent(_) => Specificity::Continent,
            Self::Default => Specificity::Default,
        }
    }
}

/// `network 10.0.0.0/8`, `subdivision US-CA`, `country CN`, `continent EU`, `default`.
impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(prefix) => write!(formatter, "network {prefix}"),
            Self::Subdivision(subdivision) => write!(formatter, "subdivision {subdivision}"),
            Self::Country(country) => write!(formatter, "country {country}"),
            Self::Continent(continent) => write!(formatter, "continent {continent}"),
            Self::Default => formatter.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_most_specific_to_the_least_and_as_a_log_shows_them() {
        let rows = [
            (Why::Network("10.0.0.0/8".parse().unwrap()), "network 10.0.0.0/8"),
            (
                Why::Subdivision(Subdivision::parse_qualified(b"US-CA").unwrap()),
                "subdivision US-CA",
            ),
            (Why::Country(Country::parse(b"CN").unwrap()), "country CN"),
            (Why::Continent(Continent::Europe), "continent EU"),
            (Why::Default, "default"),
        ];
        for (why, shown) in rows {
            assert_eq!(why.to_string(), shown);
        }
        assert!(rows.is_sorted_by(|left, right| left.0.specificity() > right.0.specificity()));
    }
}
