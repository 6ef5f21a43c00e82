//! What the worker has measured, in Envoy's statistics. A metric is made when it first has a value: how many there are
//! follows from the policy.

use std::cell::RefCell;
use std::collections::HashMap;

use portolan_driver::Measured;

use crate::host::metric;

thread_local! {
    /// Envoy's numbers of the metrics, by their names.
    static NUMBERS: RefCell<HashMap<String, u32>> = RefCell::new(HashMap::new());
}

/// Counts, or sets a gauge. What Envoy does not take is lost: nobody has to wait for a number.
pub(crate) fn note(measured: &Measured) {
    let is_counter = measured.quantity.is_counter();
    if let Some(number) = number(measured.name(), is_counter) {
        metric::note(number, is_counter, measured.value);
    }
}

fn number(name: String, is_counter: bool) -> Option<u32> {
    NUMBERS.with_borrow_mut(|numbers| match numbers.get(&name) {
        Some(number) => Some(*number),
        None => metric::define(&name, is_counter).inspect(|number| {
            numbers.insert(name, *number);
        }),
    })
}
