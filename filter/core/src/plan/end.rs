//! The end of a plan: its action, and the fields of the log.

use std::borrow::Cow;

use super::action::{Action, Forwarding};
use super::client_redirect::ClientRedirect;
use super::token_endpoint::TokenEndpoint;
use crate::config::{Config, Rule};
use crate::policy::{Naming, Need};
use crate::reply::{self, Reply};

/// Where a request ends.
pub(super) struct End<'c> {
    pub(super) action: Action<'c>,
    /// Why, for the log.
    pub(super) why: Cow<'static, str>,
    /// The rule that matched.
    pub(super) rule: Option<&'c str>,
    /// The backend or blob store that the client is sent to.
    pub(super) sent_to: Option<&'c str>,
}

impl<'c> End<'c> {
    fn without_rule(action: Action<'c>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { action, why: why.into(), rule: None, sent_to: None }
    }

    /// An answer of the proxy's own.
    pub(super) fn reply(reply: Reply) -> Self {
        let code = reply.code;
        Self::without_rule(Action::Reply(reply), code)
    }

    /// The ping.
    pub(super) fn ping(naming: &Naming) -> Self {
        Self::without_rule(Action::Reply(reply::ping().named(naming)), "ping")
    }

    /// The token endpoint.
    pub(super) fn token(endpoint: TokenEndpoint) -> Self {
        Self::without_rule(Action::Token(endpoint), "token")
    }

    /// The metrics of Envoy.
    pub(super) fn scrape() -> Self {
        Self::without_rule(Action::Scrape, "metrics")
    }

    /// A fact is needed first.
    pub(super) fn need(config: &'c Config, need: Need<'c>) -> Self {
        let (why, rule) = match &need {
            Need::Password(_) => ("password", None),
            Need::BackendHealth { .. } => ("health", None),
            Need::RecentPush(_) | Need::Content(_) | Need::Tag(_) => ("asked", None),
            Need::BlobPresence(blob) => ("asked", config.rules().get(blob.rule).map(Rule::name)),
        };
        Self { rule, ..Self::without_rule(Action::Need(need), why) }
    }

    /// The client is sent elsewhere.
    pub(super) fn redirect(redirection: ClientRedirect<'c>, naming: &Naming) -> Self {
        let ClientRedirect { location, to, rule, why } = redirection;
        let reply = reply::redirect(location, to.is_none()).named(naming);
        Self { action: Action::Reply(reply), why, rule, sent_to: to }
    }

    /// A backend answers.
    pub(super) fn forward(forwarding: Forwarding<'c>, rule: Option<&'c str>) -> Self {
        let why = forwarding.forward.choice.as_str().into();
        Self { action: Action::Forward(Box::new(forwarding)), why, rule, sent_to: None }
    }
}
