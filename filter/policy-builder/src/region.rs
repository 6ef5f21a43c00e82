//! The fields of a region.

use serde_json::{Map, Value};

use crate::object::{object, strings};

/// A region that is being made.
#[derive(Clone, Debug, Default)]
pub struct Region {
    fields: Map<String, Value>,
}

object!(Region);

impl Region {
    /// A region of countries.
    #[must_use]
    pub fn countries<const N: usize>(countries: [&str; N]) -> Self {
        Self::default().with("countries", strings(countries))
    }

    /// A region of continents.
    #[must_use]
    pub fn continents<const N: usize>(continents: [&str; N]) -> Self {
        Self::default().with("continents", strings(continents))
    }

    /// A region of prefixes.
    #[must_use]
    pub fn networks<const N: usize>(prefixes: [&str; N]) -> Self {
        Self::default().with("networks", strings(prefixes))
    }

    /// A region of labels of networks.
    #[must_use]
    pub fn labels<const N: usize>(labels: [&str; N]) -> Self {
        Self::default().with("labels", strings(labels))
    }
}
