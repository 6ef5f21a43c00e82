//! Portolan as a proxy-wasm filter: the only crate that knows proxy-wasm.
//!
//! A binding, and nothing else: Envoy's callbacks go to the driver's worker, and what that wants
//! done is done here. There is no decision: an `if` about registries belongs into the core, one
//! about what comes after what into the driver.
//!
//! * [`host`] has the calls to Envoy that need more care than the SDK takes,
//! * [`exchange`] are the reads of the driver, [`worker`] does its effects and its calls,
//! * [`pushes`] keeps the times of pushes, for all workers,
//! * [`metrics`] puts what the driver has measured into Envoy's statistics,
//! * [`contexts`] are the callbacks of the SDK.

#[cfg(feature = "bench")]
mod bench;
mod contexts;
mod exchange;
mod host;
mod metrics;
mod shared;
mod worker;

mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|context| Box::new(crate::contexts::Root::new(context)));
    }}
}
