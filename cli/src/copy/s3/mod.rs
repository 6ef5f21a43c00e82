//! What S3's API has of its own: signatures, where their keys come from, and uploads in parts.

pub(super) mod credentials;
pub(super) mod multipart;
pub(super) mod signature;
pub(super) mod xml;
