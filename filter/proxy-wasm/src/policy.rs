//! The policy of this worker, as all its streams share it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use portolan_core::config::regions::GeoSource;
use portolan_core::config::{Config, GeoHeaders};

use crate::host;

thread_local! {
    /// The policy of this worker, for the filters that are configured without one.
    static POLICY: RefCell<Option<Rc<Policy>>> = const { RefCell::new(None) };
    /// Whether the filter that reads forms is there.
    static TAKES_FORMS: Cell<bool> = const { Cell::new(false) };
}

/// The policy that was loaded last.
pub(crate) fn latest() -> Option<Rc<Policy>> {
    POLICY.with_borrow(Clone::clone)
}

/// This policy is in use from now on.
pub(crate) fn use_from_now_on(policy: &Rc<Policy>) {
    POLICY.with_borrow_mut(|slot| *slot = Some(Rc::clone(policy)));
}

/// The filter that reads forms is there.
pub(crate) fn take_forms() {
    TAKES_FORMS.set(true);
}

/// Whether the token endpoint takes forms.
pub(crate) fn takes_forms() -> bool {
    TAKES_FORMS.get()
}

/// Unlike a header, no client can send it.
const ADDRESS_PROPERTY: &str = "source\0address";

/// The client's address as Envoy trusts it.
pub(crate) fn client_address() -> Option<Vec<u8>> {
    host::property(ADDRESS_PROPERTY)
}

/// What every stream of this worker shares.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the policy")]
pub(crate) struct Policy {
    pub(crate) config: Config,
    /// The headers that carry geography, taken out of the policy once.
    pub(crate) geo_headers: GeoHeaders,
    /// Whether any redirect is followed.
    pub(crate) follows: bool,
    /// Whether the access log has its country from here: where headers are believed from some only, and where
    /// further passes have the headers of others.
    pub(crate) notes_country: bool,
    /// Whether it depends on how the backends are where clients are sent.
    pub(crate) redirects_by_health: bool,
    /// Whether an address can change anything; reading it costs.
    has_networks: bool,
}

impl Policy {
    /// The policy, with what is taken out of it once.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            geo_headers: config.clients().geo_headers(),
            follows: config.follows_redirects(),
            notes_country: config.follows_redirects()
                || config.regions().geo_source() == GeoSource::ProxyHeaders,
            redirects_by_health: config.redirects_by_health(),
            has_networks: !config.regions().networks().is_empty(),
            config,
        }
    }

    /// The client's address, where it can change anything.
    pub(crate) fn address(&self) -> Option<Vec<u8>> {
        self.has_networks.then(client_address).flatten()
    }
}
