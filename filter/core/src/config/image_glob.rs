//! A glob for images: repositories, optionally with a tag or a digest.

use crate::config::advice;
use crate::config::repository_glob::{RepositoryGlob, wild_matches};
use crate::config::wanted::Wanted;
use crate::grammar::Digest;

/// A glob over images: `team/*`, `team/app:1.*` or `team/app@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageGlob {
    repository: RepositoryGlob,
    part: Part,
}

/// What of the repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// What is asked for by such a tag.
    Tag(String),
    /// Content of this digest.
    Digest(Digest<'static>),
}

/// What to write where a glob over images is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "a glob over images such as `team/**`, `team/app:1.*` or `**@sha256:…`: repositories as rules have them, then \
     perhaps a tag with `*` in it, or a whole digest",
    why,
);

impl ImageGlob {
    /// Reads a glob.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((repository, digest)) = text.split_once('@') {
            let digest = Digest::parse(digest.as_bytes())?.into_owned();
            let repository = RepositoryGlob::parse(repository)?;
            return Some(Self { repository, part: Part::Digest(digest) });
        }
        let (repository, part) = match text.split_once(':') {
            Some((repository, tag)) if is_tag_glob(tag) => (repository, Part::Tag(tag.to_owned())),
            Some(_) => return None,
            None => (text, Part::Whole),
        };
        Some(Self { repository: RepositoryGlob::parse(repository)?, part })
    }

    /// Whether a request is meant that is about this repository, and perhaps about a tag or a
    /// digest in it.
    #[must_use]
    pub fn matches(&self, name: &[&str], tag: Option<&str>, digest: Option<&str>) -> bool {
        let is_meant = match &self.part {
            Part::Whole => true,
            Part::Tag(glob) => tag.is_some_and(|tag| wild_matches(glob, tag)),
            Part::Digest(wanted) => digest.is_some_and(|digest| digest == wanted.as_str()),
        };
        is_meant && self.repository.matches(name)
    }
}

/// The letters of tags, and `*`.
fn is_tag_glob(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
    !text.is_empty() && text.len() <= 128 && text.bytes().all(known)
}

/// What is wrong with the repository, where the rest of the image is good.
fn why(text: &str) -> Option<String> {
    let (repository, _) = text.split_once(['@', ':']).unwrap_or((text, ""));
    advice::glob::WANTED.reason(repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn images() {
        let by_digest = format!("**@{DIGEST}");
        let other = DIGEST.replace('e', "f");
        #[rustfmt::skip]
        let rows = [
            ("team/**", "team/app", Some("1.0"), None, true, "whatever of it"),
            ("team/**", "team/app", None, None, true, "its list of tags"),
            ("team/**", "other/app", Some("1.0"), None, false, "another"),
            ("team/app:1.*", "team/app", Some("1.7"), None, true, "such a tag"),
            ("team/app:1.*", "team/app", Some("2.1"), None, false, "another tag"),
            ("team/app:1.*", "team/app", None, Some(DIGEST), false, "which tag a digest has is not known"),
            ("team/app:1.*", "team/app", None, None, false, "its list of tags"),
            (&by_digest, "team/app", None, Some(DIGEST), true, "this content, wherever it is"),
            (&by_digest, "team/app", None, Some(&other), false, "other content"),
            (&by_digest, "team/app", Some("1.0"), None, false, "what a tag leads to is not known"),
        ];
        for (glob, name, tag, digest, expected, reason) in rows {
            let name: Vec<&str> = name.split('/').collect();
            let found = ImageGlob::parse(glob).unwrap().matches(&name, tag, digest);
            assert_eq!(found, expected, "{glob} {tag:?} {digest:?}: {reason}");
        }
    }

    #[test]
    fn refuses_what_no_image_can_match() {
        for text in [
            "",
            "a:",
            "a@",
            "a@sha256:12",
            "A",
            "a:b:c",
            "a:b/c",
            "a:[ab]",
            "registry.example:5000/a",
            "a@x:1*",
        ] {
            assert_eq!(ImageGlob::parse(text), None, "{text}");
        }
        assert!(WANTED.refusal("a/.*:v1").contains("looks like a regular expression"));
    }
}
