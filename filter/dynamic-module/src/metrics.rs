//! What is counted in Envoy's statistics: hooks that have failed, and what the worker has measured.
//!
//! Envoy takes new metrics only while a configuration is made, and names those of an attempt's
//! after its cluster. So each configuration makes all of them, and what the worker has measured is
//! counted by one that decides (`alarm`).
#![expect(unsafe_code, reason = "Envoy's functions are foreign")]

use portolan_driver::{Measured, QUANTITIES, Quantity};

use crate::abi::{Bytes, Callbacks, Object, value};

const PANICS: &str = "portolan_module_panics";

/// The metrics of a configuration, by Envoy's numbers.
#[derive(Clone, Copy)]
pub(crate) struct Metrics {
    envoy: &'static Callbacks,
    config: Object,
    panics: Option<usize>,
    measured: [Option<usize>; QUANTITIES.len()],
}

impl Metrics {
    /// Makes them for a configuration that is being made.
    pub(crate) fn new(envoy: &'static Callbacks, config: Object) -> Self {
        let define = |name: &str, labels: &[&str], is_counter: bool| {
            let define = if is_counter {
                envoy.http_filter_config_define_counter
            } else {
                envoy.http_filter_config_define_gauge
            };
            let labels: Vec<Bytes> =
                labels.iter().map(|label| Bytes::of(label.as_bytes())).collect();
            let (name, mut number) = (Bytes::of(name.as_bytes()), 0);
            // SAFETY: everything is there during the call.
            let status =
                unsafe { define(config, name, labels.as_ptr(), labels.len(), &raw mut number) };
            (status == value::SUCCESS).then_some(number)
        };
        let measured = QUANTITIES
            .map(|quantity| define(&quantity.name(), &quantity.labels(), quantity.is_counter()));
        Self { envoy, config, panics: define(PANICS, &[], true), measured }
    }

    /// Counts a hook that has failed.
    pub(crate) fn count_panic(&self) {
        self.note(self.panics, true, &[], 1);
    }

    /// Counts what the worker has measured.
    pub(crate) fn take(&self, measured: &[Measured]) {
        for Measured { quantity, labels, value } in measured {
            self.note(self.number(*quantity), quantity.is_counter(), labels, *value);
        }
    }

    fn number(&self, quantity: Quantity) -> Option<usize> {
        let mut all = QUANTITIES.into_iter().zip(self.measured);
        all.find(|(other, _)| *other == quantity).and_then(|(_, number)| number)
    }

    fn note(&self, number: Option<usize>, is_counter: bool, labels: &[String], value: u64) {
        let Some(number) = number else { return };
        let note = if is_counter {
            self.envoy.http_filter_config_increment_counter
        } else {
            self.envoy.http_filter_config_set_gauge
        };
        let labels: Vec<Bytes> = labels.iter().map(|label| Bytes::of(label.as_bytes())).collect();
        // SAFETY: the configuration is there as long as its filters, and the rest during the call.
        unsafe { note(self.config, number, labels.as_ptr(), labels.len(), value) };
    }
}
