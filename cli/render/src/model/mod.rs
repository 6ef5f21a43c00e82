//! The model: everything that an Envoy needs to serve a policy on a machine, decided once, as plain
//! values.
//!
//! Only this module asks the policy as a whole. What writes Envoy's messages takes its part of the
//! [`Model`], so a question of security ("who may connect?", "is a client's header removed?") is a
//! question to a value.

pub(super) mod admin;
pub(super) mod caches;
pub(super) mod check;
pub(super) mod client_address;
pub(super) mod client_headers;
pub(super) mod clusters;
pub(super) mod connect_proxies;
pub(super) mod fill;
pub(super) mod followed_redirects;
pub(super) mod fronts;
pub(super) mod groups;
pub(super) mod inbound;
pub(super) mod needs;
pub(super) mod records;
pub(super) mod secrets;
pub(super) mod services;
pub(super) mod serving;
pub(super) mod time_limits;
pub(super) mod trust;
pub(super) mod upstream;

#[cfg(test)]
mod tests;

use portolan_core::config::{Backend, Config};

use super::envoy_version::EnvoyVersion;
use super::limits::Limits;
use super::options::{Options, Target};
use super::secret::Secret;
use admin::AdminAccess;
use caches::Caches;
use clusters::Clusters;
use connect_proxies::ConnectProxies;
use fill::Fill;
use inbound::Listeners;
use services::Services;
use serving::Serving;
use trust::Trust;

/// Everything that the rendered configuration says.
pub(super) struct Model<'p> {
    /// The Envoy that loads it.
    pub(super) envoy: EnvoyVersion,
    /// In which form Envoy gets it.
    pub(super) target: Target,
    /// What Envoy as a whole takes from clients.
    pub(super) limits: Limits,
    /// Whom backends and services are believed to be, and where secrets are.
    pub(super) trust: Trust<'p>,
    /// How clients are served.
    pub(super) serving: Serving<'p>,
    /// Where connections come in.
    pub(super) listeners: Listeners<'p>,
    /// The clusters of backends and of lists of them.
    pub(super) clusters: Clusters<'p>,
    /// Services that only the filter asks.
    pub(super) services: Services<'p>,
    /// The proxies that backends are reached through.
    pub(super) connect_proxies: ConnectProxies<'p>,
    /// What may be asked of the admin interface.
    pub(super) admin: AdminAccess,
    /// The caches.
    pub(super) caches: Caches<'p>,
    /// The backends by themselves, for a target with objects of its own for each.
    pub(super) backends: &'p [Backend],
    /// Every secret that the configuration refers to, each once.
    pub(super) secrets: Vec<Secret>,
}

impl<'p> Model<'p> {
    /// Decides what a policy needs; `json` is the policy as the filter reads it.
    pub(super) fn of(
        config: &'p Config,
        json: &'p str,
        options: &'p Options,
        fill: Option<&'p Fill>,
    ) -> Self {
        Self {
            envoy: options.envoy,
            target: options.target,
            limits: options.limits,
            trust: Trust::of(options),
            serving: Serving::of(config, json, options),
            listeners: Listeners::of(config, options, fill),
            clusters: Clusters::of(config, options),
            services: Services::of(config, options),
            connect_proxies: ConnectProxies::of(config, options.target),
            admin: AdminAccess::of(config, options),
            caches: Caches::of(config, fill),
            backends: config.backends(),
            secrets: secrets::all(config),
        }
    }
}
