//! A way to make the filter fail on purpose, for the test that sees what becomes of it. Never in
//! what is shipped.

use portolan_driver::Exchange;

use crate::host::Host;

/// Panics at a path that no registry has.
pub(crate) fn at_a_certain_path(host: &Host) {
    let path = host.request_header(":path").unwrap_or_default();
    assert!(!path.ends_with(b"/portolan-panics"), "as was asked for");
}
