//! The grammar of repository names, tags, digests, URI references and dates.
//!
//! The OCI distribution spec gives the grammar ("Pulling manifests", and "Digests" of the image
//! spec). Values of these types are proof: they were read once, from bytes, and cannot be wrong
//! afterwards. This room imports nothing of the crate.

pub(crate) mod calendar;
mod digest;
mod http_date;
mod name;
mod reference;
mod signature;
mod tag;

#[cfg(test)]
pub(crate) mod twin;

pub use digest::Digest;
pub use http_date::http_date;
pub use name::{RepositoryName, is_repository_prefix};
pub use reference::{UriReference, escaped, is_visible, split_path};
pub use tag::Tag;
