//! Another policy for an Envoy that runs, without a request that fails: `portolan apply`,
//! `rollback`, `history`.
//!
//! The order is what matters. An Envoy that is told everything at once answers requests with 503:
//! the filter names clusters that are not there yet, or are gone already. So first come the
//! clusters and the routes of both policies; then, when Envoy has them, the new filter; and when
//! every worker has that and the requests that the old one has decided about are on their way, what
//! only the old one needed goes. A cluster is named by what it connects to, so that both policies
//! may have a backend of one name at different places.
//!
//! [`plan`] says what is written, [`carry_out`] writes it and waits for Envoy, [`envoy`] asks
//! Envoy, [`difference`] says what changes for requests.

mod answers;
mod apply;
mod arguments;
mod carry_out;
mod difference;
mod drain;
mod envoy;
mod error;
mod history;
mod plan;
mod quiet;
mod rollback;
mod shared_port;
mod validate;
mod version;
mod watch;
mod written;

pub(crate) use apply::{follow, run as apply};
pub(crate) use arguments::{ApplyArgs, HistoryArgs, RollbackArgs, time};
pub(crate) use drain::{DrainArgs, run as drain};
pub(crate) use error::ReloadError;
pub(crate) use history::run as history;
pub(crate) use rollback::run as rollback;
pub(crate) use version::{VersionArgs, run as version};
pub(crate) use watch::Watch;
pub(crate) use written::remembered;
