//! Clients and images that are refused, with a reason that clients show.

use crate::config::image_glob::ImageGlob;
use crate::config::network_table::NetworkTable;
use crate::config::repository_glob::wild_matches;

/// Requests that are refused: those that are all that is written here. At least one of the three
/// is.
#[derive(Clone, Debug)]
pub struct Refused {
    /// From one of these networks; `None` for any.
    pub(crate) networks: Option<NetworkTable>,
    /// By one of these programs; empty for any.
    pub(crate) user_agents: Vec<AgentGlob>,
    /// About one of these images; empty for any, and for requests about none.
    pub(crate) images: Vec<ImageGlob>,
    /// Why, in words for people.
    pub(crate) reason: String,
}

impl Refused {
    /// The networks whose clients are meant; `None` if all are.
    #[must_use]
    pub const fn networks(&self) -> Option<&NetworkTable> {
        self.networks.as_ref()
    }

    /// Whether a program is meant that sends this `User-Agent` (RFC 9110 section 10.1.5); none is
    /// like an empty one.
    #[must_use]
    pub fn is_about_agent(&self, user_agent: Option<&[u8]>) -> bool {
        let globs = &self.user_agents;
        globs.is_empty() || {
            let text = String::from_utf8_lossy(user_agent.unwrap_or_default()).to_ascii_lowercase();
            globs.iter().any(|AgentGlob(glob)| wild_matches(glob, &text))
        }
    }

    /// The images that are meant; empty if it is about clients whatever they want.
    #[must_use]
    pub fn images(&self) -> &[ImageGlob] {
        &self.images
    }

    /// Why, in words for people.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// A glob over `User-Agent`, in lower case: `*` stands for any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentGlob(String);

/// What to write where a glob over user agents is expected.
pub(crate) const WANTED_AGENT: &str = "a glob over the header `User-Agent`, such as `curl/*` or `*bot*`; `*` alone would be everybody";

impl AgentGlob {
    /// Reads a glob. What every program matches is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_said = text.bytes().any(|byte| byte != b'*');
        let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (is_said && is_plain && text.trim() == text).then(|| Self(text.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        #[rustfmt::skip]
        let rows = [
            ("curl/*", Some("curl/8.1"), true, "its version is any"),
            ("curl/*", Some("libcurl/8.1"), false, "the whole header"),
            ("*BOT*", Some("Mozilla/5.0 (GoogleBot)"), true, "case means nothing in it"),
            ("*bot*", None, false, "who says nothing is no bot"),
            ("docker/20.*", Some("docker/20.10.24 go/go1.19"), true, "an old version"),
        ];
        for (glob, agent, expected, reason) in rows {
            let glob = AgentGlob::parse(glob).unwrap();
            let refused = Refused {
                networks: None,
                user_agents: vec![glob],
                images: Vec::new(),
                reason: "x".to_owned(),
            };
            let found = refused.is_about_agent(agent.map(str::as_bytes));
            assert_eq!(found, expected, "{agent:?}: {reason}");
        }
        for text in ["", "*", "**", " curl", "curl\n", "ä"] {
            assert_eq!(AgentGlob::parse(text), None, "{text:?}");
        }
    }
}
