//! The versions of Envoy that a configuration can be rendered for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnvoyVersion(&'static str);

/// Every version whose own binary has loaded what is rendered here, the filter included, oldest
/// first. Envoy renames fields between versions; what no binary has loaded is a guess.
pub(crate) const TESTED: [&str; 2] = ["1.39.3", EnvoyVersion::DEFAULT];

impl EnvoyVersion {
    /// The version that Portolan is developed with.
    pub(crate) const DEFAULT: &'static str = "1.40.0";

    /// Whether it can keep a host whose addresses it looks up from having a private one.
    pub(super) fn filters_addresses(self) -> bool {
        self.0 != "1.39.3"
    }

    /// Reads a tested version.
    ///
    /// # Errors
    ///
    /// A sentence that names the tested ones.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let known = TESTED.into_iter().find(|tested| *tested == text);
        known.map(Self).ok_or_else(|| {
            let tested = TESTED.join(", ");
            format!("this release has not been tested with that version; tested are {tested}")
        })
    }
}

impl Serialize for EnvoyVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for EnvoyVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for EnvoyVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}
