//! The API of S3: signatures, the sources of their keys, and uploads in parts.

pub(super) mod credentials;
pub(super) mod multipart;
pub(super) mod signature;
pub(super) mod xml;
