//! The facts that the plan of a request needs first.

use std::rc::Rc;

use portolan_core::config::{Config, Verifier};
use portolan_core::grammar::Digest;
use portolan_core::health::{Health as Report, HealthView};
use portolan_core::policy::{Question, StoredBlob};
use portolan_core::probe::Presence;
use portolan_core::{Facts as Told, Need, Password};

use super::stale_tag;
use crate::callback::Callback;
use crate::header_map::HeaderMap;
use crate::lookups::{Health, Learned};
use crate::snapshot::Snapshot;

/// What has been found out so far. It only grows.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    password: Option<Password>,
    health: Backends,
    in_store: Option<Presence>,
    recently_pushed: Option<bool>,
    in_repository: Option<Presence>,
    tag: Tag,
}

/// How the backends are.
#[derive(Clone, Debug, Default)]
enum Backends {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// The host did not say.
    Unknown,
    /// It did.
    Known(Rc<Report>),
}

/// What the tag of the request stood for.
#[derive(Clone, Debug, Default)]
enum Tag {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// This, or nothing that counts.
    Was(Option<Digest<'static>>),
}

/// What came of a look at what a plan needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Something that the plan needs.
    Fact,
    /// An answer has to be waited for.
    Waits,
}

impl Facts {
    /// Takes in what was waited for.
    pub(super) fn learn(&mut self, learned: Learned) {
        match learned {
            Learned::Password(password) => self.password = Some(password),
            Learned::Health(None) => self.health = Backends::Unknown,
            Learned::Health(Some(health)) => self.health = Backends::Known(health),
            Learned::Blob(presence) => self.in_store = Some(presence),
            Learned::Content(presence) => self.in_repository = Some(presence),
            Learned::Token(_) | Learned::TooLate => {}
        }
    }

    /// Takes in what is known before anything is planned. It saves to plan again.
    pub(super) fn begin(&mut self, snapshot: &Snapshot, call: &mut Callback<'_>) {
        if snapshot.redirects_by_health && matches!(self.health, Backends::Unasked) {
            let known = call.look_up(|lookups, now| lookups.known_health(now));
            self.health = known.map_or(Backends::Unasked, Backends::Known);
        }
    }

    /// What is known, for the core.
    pub(super) fn told(&self) -> Told<'_> {
        Told {
            password: self.password,
            health: match &self.health {
                Backends::Unasked => None,
                Backends::Unknown => Some(HealthView::Unknown),
                Backends::Known(report) => Some(HealthView::Known(report)),
            },
            in_store: self.in_store,
            recently_pushed: self.recently_pushed,
            in_repository: self.in_repository,
            tag_was: match &self.tag {
                Tag::Unasked => None,
                Tag::Was(digest) => Some(digest.as_ref()),
            },
        }
    }

    /// Finds out what a plan needs, for the next one. The headers are the client's, of
    /// which one is its `Authorization`.
    pub(super) fn find_out(
        &mut self,
        need: &Need<'_>,
        config: &Config,
        (authorization, headers): (Option<&[u8]>, &HeaderMap),
        call: &mut Callback<'_>,
    ) -> Found {
        match need {
            Need::Tag(question) => {
                self.tag = Tag::Was(stale_tag::recall(question, headers, call));
                Found::Fact
            }
            Need::BackendHealth { is_optional } => self.examine(*is_optional, call),
            Need::RecentPush(question) => self.ask(*question, call),
            Need::Password(verifier) => self.verify(verifier, authorization, call),
            Need::BlobPresence(blob) => self.probe(blob, config, call),
            Need::Content(content) => {
                let stream = call.stream;
                self.in_repository =
                    call.look_up(|lookups, now| lookups.content(config, content, stream, now));
                if self.in_repository.is_some() { Found::Fact } else { Found::Waits }
            }
        }
    }

    fn examine(&mut self, is_optional: bool, call: &mut Callback<'_>) -> Found {
        let stream = call.stream;
        self.health = match call.look_up(|lookups, now| lookups.health(stream, is_optional, now)) {
            Health::Waits => return Found::Waits,
            Health::Known(report) => Backends::Known(report),
            Health::DoWithout => Backends::Unknown,
        };
        Found::Fact
    }

    fn ask(&mut self, question: Question, call: &Callback<'_>) -> Found {
        let until = call.exchange.pushed_until(question.slot);
        self.recently_pushed = Some(until != 0 && until > call.exchange.now());
        Found::Fact
    }

    fn verify(
        &mut self,
        verifier: &Verifier,
        authorization: Option<&[u8]>,
        call: &mut Callback<'_>,
    ) -> Found {
        let (stream, exchange) = (call.stream, call.exchange);
        let value = authorization.unwrap_or_default();
        let address = || exchange.client_address().unwrap_or_default();
        self.password =
            call.look_up(|lookups, now| lookups.password(verifier, value, address, stream, now));
        if self.password.is_some() { Found::Fact } else { Found::Waits }
    }

    fn probe(&mut self, blob: &StoredBlob, config: &Config, call: &mut Callback<'_>) -> Found {
        let stream = call.stream;
        self.in_store = match config.blob_store(blob.store) {
            None => Some(Presence::Unknown),
            Some(store) => {
                call.look_up(|lookups, now| lookups.blob(store, &blob.digest, stream, now))
            }
        };
        if self.in_store.is_some() { Found::Fact } else { Found::Waits }
    }
}
