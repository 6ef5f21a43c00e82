//! The request parser: method, path and query as bytes in, one [`RegistryRequest`] out.
//!
//! It knows every endpoint of the OCI distribution spec 1.1 and the additions of real
//! registries (`_catalog`, `_oci` and other extensions, upload sessions of any form). The whole
//! path is matched, never a part of it, and nothing is normalised: what is not understood is
//! refused. A proxy that reads a path as one repository while the registry behind it reads
//! another has no access rules at all.
//!
//! # Which error wins
//!
//! Four stages, each run only if the one before passed; [`RequestError`] lists them:
//!
//! 1. The form of the target, for any path at all ([`RequestError::TargetInvalid`]).
//! 2. The shape: which endpoint the path is ([`RequestError::NotFound`]). An unknown method on
//!    a path of no endpoint is therefore 404, not 405.
//! 3. The grammar: the name first, then the reference or digest.
//! 4. The method ([`RequestError::MethodNotAllowed`]).
//!
//! # How a path is read
//!
//! From the right, because a repository may be called `a/manifests/b`. The last segments decide:
//!
//! | the path ends in | it is |
//! | --- | --- |
//! | `/tags/list` | tags |
//! | `/blobs/uploads` or `/blobs/uploads/` | the start of an upload |
//! | `/blobs/uploads/X` | an upload |
//! | `/manifests/X`, `/blobs/X`, `/referrers/X` | what it says |
//!
//! No path ends in two of these, so a path of the spec has exactly one reading, and it is the
//! spec's. Only a path that ends in none of them can be one of the two open forms:
//!
//! * an upload whose session has several segments: `<name>/blobs/uploads/X/Y…`;
//! * an extension: everything from the first segment that starts with `_`, which no component
//!   of a name can; two segments or more if a name stands before it.
//!
//! If an open path can be read in two ways (`a/blobs/uploads/b/blobs/uploads/X/Y`,
//! `a/blobs/uploads/_b/c`), registries may differ on whose repository it is; it is refused.

mod class;
mod endpoint;
mod error;
mod method;
mod mount;
pub mod outside;
pub(crate) mod percent;
mod print;
pub mod query;
mod request;
mod shape;
mod target;

#[cfg(test)]
mod tests;

pub use class::Class;
pub use endpoint::{Endpoint, Reference};
pub use error::RequestError;
pub use method::Method;
pub use mount::Mount;
pub use request::{RegistryRequest, parse};
