//! The proxy's own credentials: where a policy uses them, and the files that Envoy reads them from.
//!
//! [`write`] is `portolan credential write`: [`basic`] makes the content of the file of a name and
//! a password, [`timestamp`] what a monitor is told about it.

mod basic;
mod error;
mod timestamp;
mod write;

pub(crate) use error::CredentialError;
pub(crate) use write::{WriteArgs, run as write};
