//! Portolan as a native dynamic module of Envoy: the only crate that knows that interface.
//!
//! A binding, and nothing else: Envoy's hooks go to the driver's worker, and what that wants done
//! is done here. There is no decision: an `if` about registries belongs into the core, one about
//! what comes after what into the driver.
//!
//! * [`abi`] is the interface as it is in memory, [`build`] says whether this Envoy has it,
//! * [`hooks`] are what Envoy calls,
//! * [`host`] and [`scheduler`] are what is asked of Envoy,
//! * [`process`] has the driver's worker, [`alarm`] its timer, [`pushes`] the times of
//!   pushes, [`tags`] what tags stand for.

mod abi;
mod alarm;
mod build;
mod hooks;
mod host;
mod metrics;
#[cfg(feature = "panics")]
mod panics;
mod process;
mod pushes;
mod scheduler;
mod tags;
