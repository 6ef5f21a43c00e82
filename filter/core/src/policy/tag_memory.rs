//! What tags stand for, as a host keeps it: in a table of fixed size, for all workers of a process.

use std::time::Duration;

use crate::config::Cache;
use crate::grammar::Digest;

/// How many tags a host keeps. Of two tags with one slot the one is kept that was read last.
pub const TAG_SLOTS: u64 = 16_384;

/// What a host is asked about a tag, and by what it notes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagQuestion {
    /// Which of the [`TAG_SLOTS`] to look at.
    pub slot: u32,
    /// All that the answer depends on: who answers for the tag, repository and tag. It has no line
    /// break.
    pub key: String,
    /// How long an answer counts.
    pub lifetime: Duration,
}

/// What a registry has said that a tag stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagAnswer<'a> {
    /// The digest, of a kind that caches keep.
    pub digest: Digest<'a>,
    /// The media type of the manifest.
    pub media_type: &'a str,
}

impl<'a> TagAnswer<'a> {
    /// Reads `Docker-Content-Digest` and `Content-Type` of an answer with the manifest; `None` if
    /// they do not say what a cache would have to be asked for.
    #[must_use]
    pub fn read(digest: &'a [u8], media_type: &'a [u8]) -> Option<Self> {
        let digest = Digest::parse(digest).filter(|digest| Cache::keeps(digest.algorithm()))?;
        let media_type = essence(str::from_utf8(media_type).ok()?);
        let is_one =
            !media_type.is_empty() && media_type.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then_some(Self { digest, media_type })
    }

    /// What a host keeps under the slot of the question. `now` is in nanoseconds since 1970.
    #[must_use]
    pub fn print(&self, question: &TagQuestion, now: u64) -> Vec<u8> {
        let Self { digest, media_type } = self;
        format!("{now}\n{}\n{media_type}\n{}", digest.as_str(), question.key).into_bytes()
    }
}

/// What a tag stood for, by what a host has kept under the slot of the question; `None` if it has
/// kept nothing that counts, or what the client would not accept. `now` is in nanoseconds since
/// 1970.
#[must_use]
pub fn recollect(
    kept: &[u8],
    question: &TagQuestion,
    accepts: &Accepts,
    now: u64,
) -> Option<Digest<'static>> {
    let mut lines = str::from_utf8(kept).ok()?.splitn(4, '\n');
    let (since, digest, media_type) = (lines.next()?, lines.next()?, lines.next()?);
    let since: u64 = since.parse().ok()?;
    // The clock may have been set back; what was found in the future is not known.
    let age = Duration::from_nanos(now.checked_sub(since)?);
    let counts =
        age < question.lifetime && lines.next()? == question.key && accepts.takes(media_type);
    let digest = Digest::parse(digest.as_bytes()).filter(|_| counts)?;
    Some(digest.into_owned())
}

/// The media types that a client accepts (RFC 9110 section 12.5.1), as far as a tag depends on
/// them: a registry answers a client that takes no index with one image of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepts(Vec<String>);

/// Who names both of these is given what the tag stands for, and no image of it.
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

impl Accepts {
    /// Reads the values of all `Accept` headers of a request. Weights are not looked at; nobody
    /// accepts what is named with a weight of zero.
    #[must_use]
    pub fn of(values: &[&[u8]]) -> Self {
        let texts = values.iter().filter_map(|value| str::from_utf8(value).ok());
        let ranges = texts.flat_map(|text| text.split(',')).filter(|range| !is_refused(range));
        let ranges = ranges.map(|range| essence(range).to_ascii_lowercase());
        Self(ranges.filter(|range| !range.is_empty()).collect())
    }

    /// Whether a manifest of that type may be the answer.
    #[must_use]
    pub fn takes(&self, media_type: &str) -> bool {
        let media_type = media_type.to_ascii_lowercase();
        self.0.iter().any(|range| match range.strip_suffix('*') {
            Some("*/") => true,
            Some(kind) if kind.ends_with('/') => media_type.starts_with(kind),
            _ => *range == media_type,
        })
    }

    /// Whether the answer is what the tag stands for, whatever that is. A range does not say so:
    /// registries give indexes only to who names them.
    #[must_use]
    pub fn names_indexes(&self) -> bool {
        INDEXES.iter().all(|index| self.0.iter().any(|range| range == index))
    }
}

/// A media type or range without its parameters.
fn essence(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

/// Whether a range is named to say that it is not accepted: its weight is zero.
fn is_refused(range: &str) -> bool {
    let weight = |parameter: &str| parameter.trim().strip_prefix("q=").map(str::to_owned);
    let weight = range.split(';').skip(1).find_map(weight);
    weight.and_then(|weight| weight.parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
}

#[cfg(test)]
#[path = "tag_memory/tests.rs"]
mod tests;
