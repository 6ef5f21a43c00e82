//! From the plugin configuration to a compiled policy.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use portolan_core::config::regions::GeoSource;
use portolan_core::config::{Config, GeoHeaders};
use portolan_core::{Password, contract};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::attempt::Attempt;
use crate::facts::Verification;
use crate::hop::HopAttempt;
use crate::host;
use crate::passwords::{Passwords, Place, UnderWay};
use crate::probes;
use crate::stream::Stream;
use crate::token_form::TokenForm;
use crate::{redirects, tokens};

thread_local! {
    /// The policy of this worker, for the filters that are configured without one.
    static POLICY: RefCell<Option<Rc<Policy>>> = const { RefCell::new(None) };
    /// Whether the filter that reads forms is there.
    static TAKES_FORMS: Cell<bool> = const { Cell::new(false) };
}

/// Whether the token endpoint takes forms.
pub(crate) fn takes_forms() -> bool {
    TAKES_FORMS.get()
}

/// The client's address as Envoy trusts it. Unlike a header, no client can send it.
const ADDRESS_PROPERTY: &str = "source\0address";

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
    /// Which passwords were looked at lately.
    passwords: RefCell<Passwords>,
    /// Which are being looked at.
    being_verified: UnderWay,
    /// What blob stores have.
    pub(crate) probes: probes::Desk,
}

/// The root context: one per worker.
pub(crate) struct Root {
    context: u32,
    role: Option<Role>,
}

/// Which of the filters this is. All are the same module.
enum Role {
    /// The one that decides, once per request.
    Decide(Rc<Policy>),
    /// The one that Envoy runs for each attempt at the backends of a list, by their names.
    Attempt(Rc<[String]>),
    /// The one that it runs for each attempt where a redirect leads.
    Hop,
    /// The one that reads forms at the token endpoint.
    TokenForm,
}

impl Root {
    pub(crate) const fn new(context: u32) -> Self {
        Self { context, role: None }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, _headers: usize, size: usize, _: usize) {
        tokens::on_answer(self.context, call, size);
        if let Some(Role::Decide(policy)) = &self.role {
            probes::on_answer(policy, self.context, call);
        }
    }
}

impl RootContext for Root {
    fn on_tick(&mut self) {
        tokens::on_tick(self.context);
        if let Some(Role::Decide(policy)) = &self.role {
            probes::on_tick(policy, self.context);
        }
    }

    /// A policy with mistakes is refused, and Envoy then refuses its configuration: at start
    /// it does not start, at a reload the old policy keeps serving.
    fn on_configure(&mut self, _size: usize) -> bool {
        let started = host::now();
        let json = self.get_plugin_configuration().unwrap_or_default();
        let role = match contract::Role::of(&json) {
            contract::Role::Decide => None,
            contract::Role::Attempt(list) => Some(Role::Attempt(list.into())),
            contract::Role::RedirectTarget => Some(Role::Hop),
            contract::Role::TokenForm => Some(Role::TokenForm),
        };
        if let Some(role) = role {
            if matches!(role, Role::TokenForm) {
                TAKES_FORMS.set(true);
            } else {
                redirects::outlive_attempts();
            }
            self.role = Some(role);
            return true;
        }
        match Config::from_json(&json) {
            Ok(config) => {
                let policy = Policy::new(config);
                let microseconds = host::now().saturating_sub(started) / 1000;
                log::info!("portolan: policy of {} bytes loaded in {microseconds} us", json.len());
                for published in policy.config.published() {
                    log::info!("portolan: networks of {published}");
                }
                #[cfg(feature = "bench")]
                crate::bench::time_network_lookups(&policy.config);
                if policy.follows {
                    redirects::outlive_decisions();
                }
                tokens::use_credentials(policy.config.credentials());
                let policy = Rc::new(policy);
                POLICY.with_borrow_mut(|slot| *slot = Some(Rc::clone(&policy)));
                self.role = Some(Role::Decide(policy));
                true
            }
            Err(mistakes) => {
                for mistake in mistakes {
                    log::error!("portolan: policy: {mistake}");
                }
                false
            }
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        Some(match self.role.as_ref()? {
            Role::Decide(policy) => Box::new(Stream::new(Rc::clone(policy), context)),
            Role::Attempt(list) => Box::new(Attempt::new(context, Rc::clone(list))),
            Role::Hop => Box::new(HopAttempt::default()),
            Role::TokenForm => Box::new(TokenForm::new(POLICY.with_borrow(Clone::clone))),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Policy {
    fn new(config: Config) -> Self {
        Self {
            geo_headers: config.clients().geo_headers(),
            follows: config.follows_redirects(),
            notes_country: config.follows_redirects()
                || config.regions().geo_source() == GeoSource::ProxyHeaders,
            redirects_by_health: config.redirects_by_health(),
            has_networks: !config.regions().networks().is_empty(),
            passwords: RefCell::default(),
            being_verified: UnderWay::default(),
            probes: probes::Desk::new(&config),
            config,
        }
    }

    /// What is known of a password; `None` if it has to be looked at.
    pub(crate) fn verified(&self, verifier: &str, value: &[u8]) -> Option<Password> {
        let found = self.passwords.borrow().find(verifier, value, host::now())?;
        Some(if found { Password::Right } else { Password::Wrong })
    }

    /// A place for a password of this client to be looked at; `None` if the client has its share.
    pub(crate) fn place_to_verify(&self) -> Option<Place> {
        self.being_verified.place(&host::property(ADDRESS_PROPERTY).unwrap_or_default())
    }

    /// Takes in what the verifier answered.
    pub(crate) fn note_password(
        &self,
        verification: &Verification,
        status: Option<u16>,
    ) -> Password {
        let is_right = match status {
            Some(200..=299) => true,
            Some(401 | 403) => false,
            _ => return Password::Unknown,
        };
        let Verification { verifier, value, .. } = verification;
        self.passwords.borrow_mut().note(verifier, value, is_right, host::now());
        if is_right { Password::Right } else { Password::Wrong }
    }

    /// The client's address, where it can change anything.
    pub(crate) fn address(&self) -> Option<Vec<u8>> {
        self.has_networks.then(|| host::property(ADDRESS_PROPERTY)).flatten()
    }
}
