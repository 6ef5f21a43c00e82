//! What a repository name, a tag and a digest may look like.
//!
//! The OCI distribution spec gives the grammar ("Pulling manifests", and "Digests" of the image
//! spec). Values of these types are proof: they were read once, from bytes, and cannot be wrong
//! afterwards. This room imports nothing of the crate.

mod digest;
mod name;
mod signature;
mod tag;

#[cfg(test)]
pub(crate) mod twin;

pub use digest::Digest;
pub use name::{RepositoryName, is_repository_prefix};
pub use tag::Tag;
