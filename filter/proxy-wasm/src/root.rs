//! From the plugin configuration to a compiled policy.

use std::rc::Rc;

use portolan_core::attempt;
use portolan_core::config::{Config, GeoHeaders};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::attempt::Attempt;
use crate::host;
use crate::stream::Stream;

/// What every stream of this worker shares.
pub(crate) struct Policy {
    pub(crate) config: Config,
    /// The headers that carry geography, taken out of the policy once.
    pub(crate) geo_headers: GeoHeaders,
    /// Whether an address can change anything; reading it costs.
    pub(crate) has_networks: bool,
}

/// The root context: one per worker.
#[derive(Default)]
pub(crate) struct Root {
    role: Option<Role>,
}

/// Which of the two filters this is. Both are the same module.
enum Role {
    /// The one that decides, once per request.
    Decide(Rc<Policy>),
    /// The one that Envoy runs for each attempt.
    Attempt,
}

impl Context for Root {}

impl RootContext for Root {
    /// A policy with mistakes is refused, and Envoy then refuses its configuration: at start
    /// it does not start, at a reload the old policy keeps serving.
    fn on_configure(&mut self, _size: usize) -> bool {
        let started = host::now();
        let json = self.get_plugin_configuration().unwrap_or_default();
        if attempt::is_configuration(&json) {
            self.role = Some(Role::Attempt);
            return true;
        }
        match Config::from_json(&json) {
            Ok(config) => {
                let policy = Policy::new(config);
                let microseconds = host::now().saturating_sub(started) / 1000;
                log::info!("portolan: policy of {} bytes loaded in {microseconds} us", json.len());
                #[cfg(feature = "bench")]
                crate::bench::time_network_lookups(&policy.config);
                self.role = Some(Role::Decide(Rc::new(policy)));
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

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match self.role.as_ref()? {
            Role::Decide(policy) => Box::new(Stream::new(Rc::clone(policy))),
            Role::Attempt => Box::new(Attempt::default()),
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
            has_networks: !config.regions().networks().is_empty(),
            config,
        }
    }
}
