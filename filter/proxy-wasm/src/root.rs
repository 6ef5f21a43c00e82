//! From the plugin configuration to a compiled policy.

use std::rc::Rc;

use portolan_core::config::Config;
use portolan_core::contract;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::attempt::Attempt;
use crate::hop::HopAttempt;
use crate::host;
use crate::policy::{self, Policy};
use crate::stream::Stream;
use crate::token_form::TokenForm;
use crate::{redirects, worker};

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
        worker::on_answer(self.context, call, size);
    }
}

impl RootContext for Root {
    fn on_tick(&mut self) {
        worker::on_tick(self.context);
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
                policy::take_forms();
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
                let policy_id =
                    policy.config.fingerprint().map_or_else(String::new, |id| format!("{id} "));
                log::info!(
                    "portolan: policy {policy_id}of {} bytes loaded in {microseconds} us",
                    json.len()
                );
                for published in policy.config.published() {
                    log::info!("portolan: networks of {published}");
                }
                #[cfg(feature = "bench")]
                crate::bench::time_network_lookups(&policy.config);
                if policy.follows {
                    redirects::outlive_decisions();
                }
                worker::look_up(|lookups, _| lookups.use_policy(&policy.config));
                let policy = Rc::new(policy);
                policy::use_from_now_on(&policy);
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
            Role::TokenForm => Box::new(TokenForm::new(policy::latest())),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
