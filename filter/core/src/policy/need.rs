//! Facts that a decision may need, and that a host has to find out.

use super::freshness::Question;
use super::tag_memory::TagQuestion;
use crate::config::ids::{RuleId, StoreId};
use crate::config::{Cache, Verifier};
use crate::grammar::Digest;
use crate::health::HealthView;
use crate::probe::Presence;

/// A fact that is needed. The host finds it out and plans again, with one more of the [`Facts`].
#[derive(Clone, Debug)]
pub enum Need<'c> {
    /// Whether the password in the client's `Authorization` is right; [`Facts::password`].
    Password(&'c Verifier),
    /// How the backends are ([`crate::health`]); [`Facts::health`].
    BackendHealth {
        /// Whether [`HealthView::Unknown`] will do where asking would take too much: the client is
        /// then sent to the first backend. A front that says how its backends are has to know.
        is_optional: bool,
    },
    /// Whether a blob store has a blob; [`Facts::in_store`].
    BlobPresence(StoredBlob),
    /// Whether there was a push lately; [`Facts::recently_pushed`].
    RecentPush(Question),
    /// Whether a repository has some content, so that a cache may be asked for it;
    /// [`Facts::in_repository`].
    Content(Content<'c>),
    /// What a tag stood for lately; [`Facts::tag_was`].
    Tag(TagQuestion),
}

/// What a host has found out about a request, at most one answer of each kind. Which of them come
/// first changes nothing: a plan needs what is missing, or is the same as with all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The answer to [`Need::Password`].
    pub password: Option<Password>,
    /// The answer to [`Need::BackendHealth`].
    pub health: Option<HealthView<'a>>,
    /// The answer to [`Need::BlobPresence`].
    pub in_store: Option<Presence>,
    /// The answer to [`Need::RecentPush`].
    pub recently_pushed: Option<bool>,
    /// The answer to [`Need::Content`].
    pub in_repository: Option<Presence>,
    /// The answer to [`Need::Tag`], which may be that nothing is known that counts.
    pub tag_was: Option<Option<&'a Digest<'static>>>,
}

/// What is known of a client's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// Who knows the passwords could not be asked.
    Unknown,
}

/// A blob that a store may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// The rule that names the store.
    pub rule: RuleId,
    /// The store.
    pub store: StoreId,
    /// The blob.
    pub digest: Digest<'static>,
}

/// Content of a repository, of which a registry has to say that it is there.
#[derive(Clone, Debug)]
pub struct Content<'c> {
    /// The cache that may be asked for it then.
    pub cache: &'c Cache,
    /// Path and query by which what fills caches is asked for it. They say all that the answer
    /// depends on.
    pub target: String,
}
