//! Portolan as a proxy-wasm filter: the only crate that knows proxy-wasm.
//!
//! A binding, and nothing else: Envoy's callbacks go to the driver's worker, and what that wants done is done here.
//! There is no decision: an `if` about registries belongs into the core, one about what comes after what into the
//! driver.
//!
//! * [`host`] translates every call to Envoy; nothing else does,
//! * [`exchange`] are the reads of the driver, [`worker`] does its effects and its calls,
//! * [`pushes`] keeps the times of pushes, for all workers,
//! * [`metrics`] puts what the driver has measured into Envoy's statistics,
//! * [`contexts`] are the callbacks of the SDK.

#[cfg(all(feature = "bench", not(test)))]
mod bench;
// The test binary of this crate cannot be linked with Envoy's functions.
#[cfg(not(test))]
mod contexts;
#[cfg(not(test))]
mod exchange;
#[cfg(not(test))]
mod host;
#[cfg(not(test))]
mod metrics;
#[cfg(not(test))]
mod pushes;
#[cfg(not(test))]
mod worker;

#[cfg(not(test))]
mod entry {
    use super::contexts::Root;

    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|context| Box::new(Root::new(context)));
    }}
}
