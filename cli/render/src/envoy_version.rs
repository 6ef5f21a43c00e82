//! The versions of Envoy that a configuration can be rendered for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version of Envoy, `1.MINOR.PATCH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvoyVersion {
    minor: u32,
    patch: u32,
}

/// Every version whose own binary has loaded what is rendered here, the filter included, oldest
/// first. Envoy renames fields between minor versions; what no binary has loaded is a guess.
pub const TESTED: [&str; 2] = ["1.39.3", EnvoyVersion::DEFAULT];

impl EnvoyVersion {
    /// The version that Portolan is developed with.
    pub(crate) const DEFAULT: &'static str = "1.40.0";

    /// Whether it can keep a host whose addresses it looks up from having a private one.
    pub(super) const fn filters_addresses(self) -> bool {
        self.minor >= 40
    }

    /// Whether it can count the requests of each network, and leave some networks out.
    pub(super) const fn limits_clients(self) -> bool {
        self.minor >= 40
    }

    /// Whether its stats access logger can turn what it counts into words of a fixed set.
    pub(super) const fn counts(self) -> bool {
        self.minor >= 40
    }

    /// Whether the native module takes it for one that it was tested with. It looks at the build,
    /// so that a patch counts.
    pub(super) const fn runs_the_module(self) -> bool {
        self.minor == 40 && self.patch == 0
    }

    /// Reads a tested version, or a later patch of one: patches mend Envoy and change no field of
    /// its configuration.
    ///
    /// # Errors
    ///
    /// A sentence that names the tested ones.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let found = Self::read(text).filter(|version| {
            let tested = TESTED.into_iter().filter_map(Self::read);
            tested.into_iter().any(|one| one.minor == version.minor && one.patch <= version.patch)
        });
        found.ok_or_else(|| {
            let tested = TESTED.join(", ");
            format!(
                "this release has not been tested with that version; tested are {tested}, and later patches of \
                 these are taken"
            )
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (minor, patch) = text.strip_prefix("1.")?.split_once('.')?;
        let number = |text: &str| {
            let is_plain = text == "0" || !text.starts_with('0');
            text.parse().ok().filter(|_| is_plain && text.bytes().all(|byte| byte.is_ascii_digit()))
        };
        Some(Self { minor: number(minor)?, patch: number(patch)? })
    }
}

impl Serialize for EnvoyVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
        let Self { minor, patch } = self;
        write!(formatter, "1.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tested_versions_and_their_later_patches() {
        #[rustfmt::skip]
        let rows = [
            ("1.40.0", true, "tested"), ("1.39.3", true, "tested"), ("1.40.7", true, "a patch of it"),
            ("1.39.12", true, "a patch of it"), ("1.39.2", false, "before the one that was tested"),
            ("1.41.0", false, "may have other fields"), ("1.38.9", false, "may lack fields"),
            ("2.40.0", false, "another"), ("1.40", false, "no patch"), ("1.40.01", false, "written otherwise"),
            ("1.40.0-dev", false, "not released"), ("", false, "nothing"), ("1.+40.0", false, "a sign"),
        ];
        for (text, is_taken, reason) in rows {
            let found = EnvoyVersion::parse(text);
            assert_eq!(found.is_ok(), is_taken, "{text}: {reason}");
            if let Ok(found) = found {
                assert_eq!(found.to_string(), text);
            }
        }
    }
}
