//! The facts of a request that its answer needs.

use crate::attempt::{Answer, Answers, Asks, is_judged, is_no_answer};
use crate::config::ids::{BackendId, FrontId, ListId};
use crate::config::{Backend, BackendList, Config};
use crate::oci::Class;
use crate::policy::{FrontRealm, Naming};
use crate::token::Access;

/// What the response phase needs of a decision. Written once, when the request is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the answer")]
pub struct Receipt {
    /// The backends that may have answered.
    pub list: ListId,
    /// The backend whose 404 is the whole truth, where there is one.
    pub authority: Option<BackendId>,
    /// What was asked.
    pub class: Class,
    /// What that does to the repository.
    pub access: Access,
    /// Whether it is a write, or a step of one. Where such an answer points to, a client goes on,
    /// and shows what it shows here.
    pub writes: bool,
    /// The front that was asked.
    pub front: FrontId,
    /// Whether a redirect may be followed: the request then starts anew, and what is known of it
    /// now would be lost to the access log.
    pub follows: bool,
    /// Whether the proxy showed credentials of its own.
    pub proxy_authenticated: bool,
    /// Whether a refusal of the only backend of the list means that it lacks what was asked for.
    pub hides_missing: bool,
    /// Whether the attempt phase looks at each answer, and marks one that is to be judged
    /// ([`crate::contract::headers::DOUBTFUL`]).
    pub is_marked: bool,
    /// Whether the answer may be what a tag was, where nobody else could be asked.
    pub may_be_stale: bool,
    /// What the client asks besides the content.
    pub asks: Asks,
    /// What the front calls itself towards this client, where clients log in to the backends.
    pub front_realm: Option<FrontRealm>,
    /// The repository's name, as the client writes it.
    pub client_name: String,
    /// How the client names repositories.
    pub naming: Naming,
    /// The request target as it is sent to each backend of the list, base path included.
    pub targets: Vec<Vec<u8>>,
}

impl Receipt {
    /// Whether several backends may have answered.
    #[must_use]
    pub const fn has_fallback(&self) -> bool {
        self.targets.len() > 1
    }

    /// Whether a status may mean something else than it says. What a list of one answers is passed
    /// on as it is, but for a refusal that is not the client's to see.
    #[must_use]
    pub const fn may_be_judged(&self) -> bool {
        self.has_fallback() || self.may_be_stale || self.proxy_authenticated || self.hides_missing
    }

    /// Whether the answers of all backends must be looked at to say what this status means. What is
    /// no answer to anything that is asked of a backend, such as 101, always is; so is a 401 where
    /// clients cannot log in.
    #[must_use]
    pub const fn is_judged(&self, status: u16) -> bool {
        let status = self.asks.meaning_of(status);
        let asks_nobody = status == 401 && self.front_realm.is_none();
        let may_be = self.may_be_judged() || is_no_answer(status) || asks_nobody;
        may_be && is_judged(!self.has_fallback() && !self.may_be_stale, status)
    }

    /// What was answered, by what the attempts noted, and the last status. No attempt notes what an
    /// only backend of a list hides that is asked as the client asked: that it refuses, and nothing
    /// else, means that it lacks it.
    #[must_use]
    pub fn answers(&self, config: &Config, noted: &[u8], status: u16) -> Answers {
        let mut answers = Answers::parse(noted);
        let backends = config.list(self.list).map(BackendList::backends).unwrap_or_default();
        if self.hides_missing
            && matches!(status, 401 | 403)
            && let [only] = backends
            && let Some(only) = config.backend(*only)
            && answers.of(only.name()).is_none()
        {
            answers.note(only.name(), Answer::Missed);
        }
        answers
    }

    /// The backend that answered.
    #[must_use]
    pub fn backend<'c>(&self, config: &'c Config, answered: Option<&[u8]>) -> Option<&'c Backend> {
        config.backend(self.answered_by(config, answered)?.0)
    }

    /// The backend and its target, by the name of who answered; for a list of one there is no
    /// need to know it.
    pub(super) fn answered_by(
        &self,
        config: &Config,
        name: Option<&[u8]>,
    ) -> Option<(BackendId, &[u8])> {
        let list = config.list(self.list)?;
        let is_it = |id: &BackendId| match name {
            _ if !list.has_fallback() => true,
            Some(name) => config.backend(*id).is_some_and(|found| found.name().as_bytes() == name),
            None => false,
        };
        let position = list.backends().iter().position(is_it)?;
        Some((*list.backends().get(position)?, self.targets.get(position)?))
    }
}
