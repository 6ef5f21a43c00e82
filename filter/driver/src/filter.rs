//! The role of a filter, read from the configuration that the host has for it.

use std::rc::Rc;
use std::time::Duration;

use portolan_core::config::Config;
use portolan_core::contract::{self, OF_ATTEMPTS, OF_DECISIONS, StateKey};

use crate::snapshot::Snapshot;

/// One filter of the host's configuration. All filters are the same module; the configuration makes
/// the difference.
#[derive(Clone)]
pub struct Filter(pub(crate) Role);

/// What the streams of a filter do.
#[derive(Clone)]
pub(crate) enum Role {
    /// They decide about requests, once for each pass.
    Decide(Rc<Snapshot>),
    /// They are the attempts at backends.
    Attempt,
    /// They are the attempts where a redirect leads.
    RedirectTarget,
    /// They read the forms at the token endpoint.
    TokenForm,
}

/// What came of a configuration.
pub struct Configured {
    /// The filter.
    pub filter: Filter,
    /// How long the configuration is, in bytes.
    size: usize,
}

impl Role {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// A line for each mistake in a policy.
    pub(crate) fn read(configuration: &[u8]) -> Result<Self, Vec<String>> {
        Ok(match contract::Role::of(configuration) {
            contract::Role::Attempt => Self::Attempt,
            contract::Role::RedirectTarget => Self::RedirectTarget,
            contract::Role::TokenForm => Self::TokenForm,
            contract::Role::Decide => {
                let config = Config::from_json(configuration).map_err(|mistakes| {
                    let mistakes = mistakes.iter();
                    mistakes
                        .map(|mistake| format!("portolan: policy: {mistake}"))
                        .collect::<Vec<_>>()
                })?;
                Self::Decide(Rc::new(Snapshot::new(config)))
            }
        })
    }
}

impl Configured {
    pub(crate) const fn new(role: Role, size: usize) -> Self {
        Self { filter: Filter(role), size }
    }

    /// The properties that the host has to keep for all passes of a request.
    #[must_use]
    pub fn lasting(&self) -> &'static [StateKey] {
        match &self.filter.0 {
            Role::Decide(snapshot) if snapshot.follows => &OF_DECISIONS,
            Role::Attempt | Role::RedirectTarget => &OF_ATTEMPTS,
            Role::Decide(_) | Role::TokenForm => &[],
        }
    }

    /// What the operator is told of a policy that was loaded in so much time.
    #[must_use]
    pub fn lines(&self, took: Duration) -> Vec<String> {
        let Role::Decide(snapshot) = &self.filter.0 else { return Vec::new() };
        let config = &snapshot.config;
        let id = config.fingerprint().map_or_else(String::new, |id| format!("{id} "));
        let (size, microseconds) = (self.size, took.as_micros());
        let loaded = format!("portolan: policy {id}of {size} bytes loaded in {microseconds} us");
        let published = config.published().iter();
        let published = published.map(|published| format!("portolan: networks of {published}"));
        [loaded].into_iter().chain(published).collect()
    }
}
