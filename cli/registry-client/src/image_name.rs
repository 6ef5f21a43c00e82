//! Which image is measured.

use std::fmt;
use std::str::FromStr;

use portolan_core::grammar::{RepositoryName, Tag};

/// What a person means who names no tag.
const DEFAULT_TAG: &str = "latest";

/// A repository of a registry and a tag in it: `NAME[:TAG]`, without the registry's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    repository: String,
    tag: String,
}

impl ImageName {
    /// The repository, such as `library/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl FromStr for ImageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (repository, tag) = text.split_once(':').unwrap_or((text, DEFAULT_TAG));
        let is_name = RepositoryName::parse(repository.as_bytes()).is_some()
            && Tag::parse(tag.as_bytes()).is_some();
        if !is_name {
            return Err(
                "write a repository and perhaps a tag, without the registry's host, such as \
                 `library/nginx:1.27`"
                    .to_owned(),
            );
        }
        Ok(Self { repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.repository, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let rows = [
            ("library/nginx:1.27", Some("library/nginx:1.27"), "both"),
            ("library/nginx", Some("library/nginx:latest"), "no tag is the usual one"),
            ("a/b/c/d:v1.0_x-y", Some("a/b/c/d:v1.0_x-y"), "any depth"),
            (
                "ghcr.io/drycc/base",
                Some("ghcr.io/drycc/base:latest"),
                "a front may name upstreams so",
            ),
            ("", None, "nothing"),
            (":v1", None, "no repository"),
            ("nginx:", None, "a colon without a tag"),
            ("NGINX", None, "upper case"),
            ("https://r.example/nginx", None, "a URL"),
            ("localhost:5000/nginx", None, "a host and port: the URL has those"),
            ("nginx@sha256:00", None, "a digest: it is found out"),
        ];
        for (text, wanted, reason) in rows {
            let found = text.parse::<ImageName>().ok().map(|name| name.to_string());
            assert_eq!(found.as_deref(), wanted, "{text}: {reason}");
        }
    }
}
