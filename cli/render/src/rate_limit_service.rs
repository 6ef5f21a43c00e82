//! What a rate limit service is asked for: its URL, as it is typed, and the windows in which it
//! counts.

use std::str::FromStr;
use std::time::Duration;

use portolan_core::config::{BackendUrl, ClientLimits};
use serde::{Deserialize, Serialize};

use super::error::RenderError;

/// The windows of the service: its words, and how long they are, in seconds.
const WINDOWS: [(&str, u64); 4] = [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)];

/// Where the service is: `http` or `https`, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RateLimitUrl {
    text: String,
    pub(super) url: BackendUrl,
}

impl FromStr for RateLimitUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "write the URL of a rate limit service that takes gRPC, without a path, such as \
                              `http://127.0.0.1:8081`";
        let url = BackendUrl::parse(text).filter(|url| url.base_path().is_empty());
        Ok(Self { text: text.to_owned(), url: url.ok_or(WANTED)? })
    }
}

impl TryFrom<String> for RateLimitUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RateLimitUrl> for String {
    fn from(url: RateLimitUrl) -> Self {
        url.text
    }
}

/// The window of a limit that stands at this place of a list of `clients.limits`, in the service's
/// word.
///
/// # Errors
///
/// It counts in none of this length.
pub(super) fn window(
    list: &'static str,
    number: usize,
    per: Duration,
) -> Result<&'static str, RenderError> {
    let found = WINDOWS.iter().find(|(_, seconds)| per == Duration::from_secs(*seconds));
    found.map(|(word, _)| *word).ok_or(RenderError::RateLimitWindow { list, number })
}

/// Looks whether the service can count what a policy limits.
///
/// # Errors
///
/// As for [`window`].
pub(super) fn check(limits: &ClientLimits) -> Result<(), RenderError> {
    let networks = limits.networks().iter().enumerate();
    let networks = networks.map(|(number, limit)| ("networks", number, limit.per));
    let budgets = limits.budgets().iter().enumerate();
    let budgets = budgets.map(|(number, budget)| ("budgets", number, budget.per));
    let mut all = networks.chain(budgets);
    all.try_for_each(|(list, number, per)| window(list, number, per).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, is_good) in [
            ("http://127.0.0.1:8081", true),
            ("https://limits.example", true),
            ("http://limits.example:8081/", true),
            ("http://limits.example:8081/v1", false),
            ("grpc://limits.example:8081", false),
            ("limits.example:8081", false),
        ] {
            assert_eq!(text.parse::<RateLimitUrl>().is_ok(), is_good, "{text}");
        }
    }
}
