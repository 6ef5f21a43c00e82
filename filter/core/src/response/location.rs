//! `Location`: one URL (RFC 9110 section 10.2.2).

use super::reference::Context;

/// The one value that the client gets, or `None` if there is none that makes sense.
///
/// A second `Location` is not allowed; the first wins, as it does in the clients.
pub(super) fn amend(context: &Context<'_>, values: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let first = values.first()?;
    Some(vec![context.at_front(first)?])
}
