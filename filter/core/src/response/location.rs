//! `Location`: one URL (RFC 9110 section 10.2.2).

use super::reference::{Context, Leads};
use crate::reply::Misdirection;

/// The one value that the client gets.
///
/// A second `Location` is not allowed; the first wins, as it does in the clients. A write never
/// goes on at another host: clients show there what they show here, and a registry could have any
/// front's passwords.
pub(super) fn amend(context: &Context<'_>, values: &[&[u8]]) -> Result<Vec<Vec<u8>>, Misdirection> {
    let first = values.first().ok_or(Misdirection::Unreadable)?;
    match context.at_front(first)? {
        Leads::Here(path) => Ok(vec![path]),
        Leads::Elsewhere if context.receipt.writes => Err(Misdirection::Host),
        Leads::Elsewhere => Ok(vec![first.to_vec()]),
    }
}
