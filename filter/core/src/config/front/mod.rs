//! The fronts: public host names that clients use as registries.

pub(crate) mod compile;
pub(crate) mod cors;
pub(crate) mod fields;
pub(crate) mod host;
pub(crate) mod landing;
pub(crate) mod upstreams;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::auth::FrontAuth;
use crate::config::backend::Certificate;
use crate::config::backend::followed_redirects::RedirectHost;
use crate::config::front::cors::Cors;
use crate::config::front::host::FrontHost;
use crate::config::front::landing::Landing;
use crate::config::front::upstreams::Upstreams;
use crate::config::ids::{FrontId, LabelId, ListId, RuleId};
use crate::config::rule::Rules;

/// A public hostname that clients use, with its other names.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a person writes each of these switches for itself"
)]
pub struct Front {
    pub(crate) id: FrontId,
    pub(crate) name: String,
    pub(crate) hosts: Vec<FrontHost>,
    pub(crate) tls: Option<Certificate>,
    pub(crate) auth: FrontAuth,
    pub(crate) landing: Landing,
    pub(crate) catalog: Option<ListId>,
    pub(crate) ping_needs_all: bool,
    pub(crate) health: bool,
    pub(crate) scrapers: Option<Vec<LabelId>>,
    pub(crate) says_backend: bool,
    pub(crate) client_configuration: bool,
    pub(crate) cors: Option<Cors>,
    pub(crate) upstreams: Option<Arc<Upstreams>>,
    pub(crate) writes_refused: Option<String>,
}

impl Front {
    /// Which one it is.
    #[must_use]
    pub const fn id(&self) -> FrontId {
        self.id
    }

    /// The name of the front in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it shows to its clients; `None` where something before Envoy does that, or nothing.
    #[must_use]
    pub const fn tls(&self) -> Option<&Certificate> {
        self.tls.as_ref()
    }

    /// How its clients prove who they are.
    #[must_use]
    pub const fn auth(&self) -> &FrontAuth {
        &self.auth
    }

    /// The paths that lead to pages elsewhere.
    #[must_use]
    pub const fn landing(&self) -> &Landing {
        &self.landing
    }

    /// The list that answers for the catalogue; `None` if the front has none.
    #[must_use]
    pub const fn catalog(&self) -> Option<ListId> {
        self.catalog
    }

    /// Whether the ping is a 200 only while every backend is up.
    #[must_use]
    pub const fn ping_needs_all(&self) -> bool {
        self.ping_needs_all
    }

    /// Whether the front tells how its backends are.
    #[must_use]
    pub const fn has_health(&self) -> bool {
        self.health
    }

    /// Whether anybody may read the metrics of Envoy at the front.
    #[must_use]
    pub const fn is_scraped(&self) -> bool {
        self.scrapers.is_some()
    }

    /// Whether a client whose network has this label may read the metrics of Envoy at the front.
    #[must_use]
    pub fn is_scraped_by(&self, label: Option<LabelId>) -> bool {
        let scrapers = self.scrapers.as_deref().unwrap_or_default();
        label.is_some_and(|label| scrapers.contains(&label))
    }

    /// Whether answers name the backend that gave them ([`crate::contract::headers::BACKEND`]).
    #[must_use]
    pub const fn says_backend(&self) -> bool {
        self.says_backend
    }

    /// Whether the front serves what clients need to pull through it ([`crate::client_files`]).
    #[must_use]
    pub const fn has_client_configuration(&self) -> bool {
        self.client_configuration
    }

    /// Which web pages may use the front; `None` where the registries behind it say so, or nobody.
    #[must_use]
    pub const fn cors(&self) -> Option<&Cors> {
        self.cors.as_ref()
    }

    /// Why its clients may not write at the moment, in words for them; `None` where they may.
    #[must_use]
    pub fn writes_refused(&self) -> Option<&str> {
        self.writes_refused.as_deref()
    }

    /// The authorities it answers to, the canonical one first; at least one. Those that name an
    /// upstream come last.
    #[must_use]
    pub fn hosts(&self) -> &[FrontHost] {
        &self.hosts
    }

    /// The registries that its clients name; `None` where all names are of one namespace, the
    /// policy's own.
    #[must_use]
    pub const fn upstreams(&self) -> Option<&Arc<Upstreams>> {
        self.upstreams.as_ref()
    }

    /// Every list that takes requests of its clients, through a rule or for the front itself; some
    /// more than once. A rule of which the front shows no name is none of its.
    pub fn every_list<'r>(&'r self, rules: &'r Rules) -> impl Iterator<Item = ListId> + 'r {
        let reached = rules.all().iter().zip((0..).map(RuleId::new));
        let reached = reached.filter(|(rule, id)| {
            let is_shown = |upstreams: &Arc<Upstreams>| {
                upstreams.all().iter().any(|upstream| rules.is_below(*id, upstream.prefix()))
            };
            rule.serves(self.id) && self.upstreams.as_ref().is_none_or(is_shown)
        });
        let login = match &self.auth {
            FrontAuth::Upstream { list, .. } => Some(*list),
            FrontAuth::Managed | FrontAuth::Basic(_) => None,
        };
        reached.flat_map(|(rule, _)| rule.every_list()).chain(login).chain(self.catalog)
    }
}

/// All fronts, found by authority.
#[derive(Clone, Debug, Default)]
pub struct Fronts {
    pub(crate) list: Vec<Front>,
    pub(crate) by_host: BTreeMap<FrontHost, FrontId>,
    pub(crate) default: Option<FrontId>,
    /// Hosts that the proxy follows redirects to.
    pub(crate) redirect_hosts: Vec<RedirectHost>,
}

impl Fronts {
    /// The front that answers to a request's authority: the one that declares it, else the
    /// default one if the policy has one. A closed lookup: nothing is guessed from the bytes.
    ///
    /// A host that redirects lead to is no front, not even for the default one: a client that names
    /// it wants the proxy to fetch something from there. Nor is what names no one host.
    #[must_use]
    pub fn find(&self, authority: &[u8]) -> Option<FrontId> {
        let host = FrontHost::of_authority(authority);
        let declared = host.as_ref().and_then(|host| self.by_host.get(host).copied());
        let is_elsewhere = || {
            host.is_some_and(|host| self.redirect_hosts.iter().any(|one| one.covers(host.as_str())))
        };
        let may_be_any = || FrontHost::can_be(authority) && !is_elsewhere();
        declared.or_else(|| self.default.filter(|_| may_be_any()))
    }

    /// Whether clients of any front prove to the backends who they are: a refusal is then for them
    /// to see, and nothing that Envoy's routes could always try again.
    #[must_use]
    pub fn any_upstream(&self) -> bool {
        self.list.iter().any(|front| matches!(front.auth(), FrontAuth::Upstream { .. }))
    }

    /// All fronts in the order of the policy.
    #[must_use]
    pub fn all(&self) -> &[Front] {
        &self.list
    }

    /// A front by its id.
    #[must_use]
    pub fn get(&self, id: FrontId) -> Option<&Front> {
        self.list.get(id.index())
    }

    /// The name of a front.
    #[must_use]
    pub fn name(&self, id: FrontId) -> &str {
        self.list.get(id.index()).map_or("", Front::name)
    }
}
