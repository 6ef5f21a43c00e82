//! Portolan as a proxy-wasm filter: the only crate that knows proxy-wasm.
//!
//! It reads bytes from Envoy, calls the core and applies the plan it gets back. There is no
//! decision here: an `if` about registries belongs in the core.
//!
//! * [`host`] translates every host call; nothing else does,
//! * [`root`] turns the plugin configuration into a compiled policy, or refuses it,
//! * [`policy`] is the policy as all streams share it,
//! * [`stream`] walks one request through its phases,
//! * [`head`] reads its headers, [`forward`] sets what it is sent on with,
//! * [`attempt`] is the phase that Envoy runs once for every backend it tries,
//! * [`redirects`] and [`hop`] lead a request on to where a backend redirects it,
//! * [`worker`] makes the calls of what is looked up elsewhere, and wakes who waits for it,
//! * [`refusals`] knows what a refusal of what the proxy showed means,
//! * [`errand`] and [`token_form`] are the token endpoint.
//!
//! What is looked up elsewhere, and how long it is remembered, is in `portolan-driver`.

#[cfg(all(feature = "bench", not(test)))]
mod bench;
// The test binary of this crate cannot be linked with Envoy's functions.
#[cfg(not(test))]
mod attempt;
#[cfg(not(test))]
mod errand;
#[cfg(not(test))]
mod facts;
#[cfg(not(test))]
mod forward;
#[cfg(not(test))]
mod head;
#[cfg(not(test))]
mod hop;
#[cfg(not(test))]
mod host;
#[cfg(not(test))]
mod policy;
#[cfg(not(test))]
mod pushes;
#[cfg(not(test))]
mod redirects;
#[cfg(not(test))]
mod refusals;
#[cfg(not(test))]
mod root;
#[cfg(not(test))]
mod stream;
#[cfg(not(test))]
mod token_form;
#[cfg(not(test))]
mod tried;
#[cfg(not(test))]
mod worker;

#[cfg(not(test))]
mod entry {
    use super::root::Root;

    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|context| Box::new(Root::new(context)));
    }}
}
