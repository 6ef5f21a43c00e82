//! Names that the filter and Envoy's configuration share: every name that both of them write.
//!
//! The filter sets a header and a route matches it; the renderer names a cluster and the filter
//! calls it. Both import the names from here, `explain` as well, and `tests/contract.rs` looks that
//! no such name is written anywhere else. There is no decision here.

mod cluster_name;
pub mod clusters;
pub mod counted;
pub mod details;
pub mod encoding;
mod fingerprint;
pub mod headers;
mod metadata;
mod role;
mod state;

pub use cluster_name::{joined, name_of, with_fingerprint, without_fingerprint};
pub use fingerprint::Fingerprint;
pub use metadata::{BACKEND, BACKEND_ATTRIBUTE, NAMESPACE, NODE, WAY};
pub use role::Role;
pub use state::{OF_ATTEMPTS, OF_DECISIONS, Span, StateKey};
