//! What the worker has measured, in Envoy's statistics. A metric is made when it first has a value:
//! how many there are follows from the policy.

use std::cell::RefCell;
use std::collections::HashMap;

use portolan_driver::Measured;
use proxy_wasm::hostcalls::{define_metric, increment_metric, record_metric};
use proxy_wasm::types::MetricType;

thread_local! {
    /// Envoy's numbers of the metrics, by their names.
    static NUMBERS: RefCell<HashMap<String, u32>> = RefCell::new(HashMap::new());
}

/// Counts, or sets a gauge. What Envoy does not take is lost: nobody has to wait for a number.
pub(crate) fn note(measured: &Measured) {
    let kind = if measured.quantity.is_counter() { MetricType::Counter } else { MetricType::Gauge };
    let Some(number) = number(measured.name(), kind) else { return };
    let by = i64::try_from(measured.value).unwrap_or(i64::MAX);
    let _ = match kind {
        MetricType::Counter => increment_metric(number, by),
        _ => record_metric(number, measured.value),
    };
}

/// The number of the counter or gauge with this name, which is made if it is not there.
fn number(name: String, kind: MetricType) -> Option<u32> {
    NUMBERS.with_borrow_mut(|numbers| match numbers.get(&name) {
        Some(number) => Some(*number),
        None => define_metric(kind, &name).ok().inspect(|number| {
            numbers.insert(name, *number);
        }),
    })
}
