//! Where a front is, and what its images are called.

use std::path::Path;

use portolan_command::output::{Exit, complain, fail};
use portolan_command::policy_file::{self, Diagnostic};
use portolan_core::config::{BackendUrl, Config, Front, FrontHost};
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::registry::base;

/// A front.
#[derive(Debug)]
pub(crate) struct Place {
    /// Where clients find it.
    pub(crate) url: BackendUrl,
    /// The policy that was named in its place.
    pub(crate) config: Option<Config>,
}

/// Why there is no front to pull from.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The policy is refused.
    Policy(Vec<Diagnostic>),
    /// Anything else, and what to write.
    Other(String),
}

impl From<String> for Unusable {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

impl Unusable {
    /// Says it on the standard error; how the command ends.
    pub(crate) fn complain(self) -> Exit {
        match self {
            Self::Policy(diagnostics) => complain(&diagnostics),
            Self::Other(message) => fail(message, Exit::Unusable),
        }
    }
}

impl Place {
    /// The front of a URL, or of a policy's file.
    ///
    /// # Errors
    ///
    /// The URL is none, or the policy is refused or has no host.
    pub(crate) fn of(text: &str) -> Result<Self, Unusable> {
        if text.contains("://") {
            let url = BackendUrl::parse(text).ok_or_else(|| {
                Unusable::Other(format!(
                    "`{text}` is no URL of a front; write one such as `https://registry.example.com`"
                ))
            })?;
            return Ok(Self { url, config: None });
        }
        let config = policy_file::load(Path::new(text)).map_err(Unusable::Policy)?.config;
        let url = url_of(&config).ok_or_else(|| {
            Unusable::Other(format!("no front of {text} has a host; write the front's URL"))
        })?;
        Ok(Self { url, config: Some(config) })
    }

    /// The front's URL, as it is printed.
    pub(crate) fn url(&self) -> String {
        base(&self.url)
    }

    /// An image's name in the front: what is written, without the front's own host.
    ///
    /// # Errors
    ///
    /// It is no name.
    pub(crate) fn image(&self, text: &str) -> Result<ImageName, String> {
        let own = format!("{}/", self.url.authority());
        let name = text.strip_prefix(&own).unwrap_or(text);
        name.parse().map_err(|why| format!("{text}: {why}"))
    }
}

/// The URL of the first front that has a host. A front without a certificate has its TLS ended by
/// somebody before it, unless it is on this machine.
fn url_of(config: &Config) -> Option<BackendUrl> {
    let with_host = |front: &Front| Some((front.tls().is_some(), front.hosts().first()?.clone()));
    let (has_tls, host) = config.fronts().all().iter().find_map(with_host)?;
    let scheme = if !has_tls && is_here(&host) { "http" } else { "https" };
    BackendUrl::parse(&format!("{scheme}://{}", host.as_str()))
}

fn is_here(host: &FrontHost) -> bool {
    let name = host.name();
    name == "localhost" || name.starts_with("127.") || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Front, Policy};
    use serde_json::json;

    use super::*;

    #[test]
    fn fronts_of_policies() {
        let url = |front: &Front| {
            let policy = Policy::smallest().front("main", front.clone());
            url_of(&policy.read_by(Config::from_json)).map(|url| base(&url))
        };
        let tls = json!({"certificate_file": "/c", "key_file": "/k"});
        #[rustfmt::skip]
        let rows = [
            (Front::at(["r.example"]), "https://r.example", "somebody ends TLS before it"),
            (Front::at(["127.0.0.1:8080", "r.example"]), "http://127.0.0.1:8080", "this machine"),
            (Front::at(["localhost:5000"]).with("tls", tls), "https://localhost:5000", "its own TLS"),
        ];
        for (front, expected, reason) in rows {
            assert_eq!(url(&front).as_deref(), Some(expected), "{reason}");
        }
    }

    #[test]
    fn names_of_images() {
        let place = Place::of("https://r.example:5000").unwrap();
        let rows = [
            ("team/app:v1", Some("team/app:v1")),
            ("r.example:5000/team/app", Some("team/app:latest")),
            ("ghcr.io/team/app:v1", Some("ghcr.io/team/app:v1")),
            ("other.example:5000/team/app", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let found = place.image(text).ok().map(|name| name.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(matches!(Place::of("http://a b"), Err(Unusable::Other(_))));
    }
}
