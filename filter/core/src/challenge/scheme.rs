//! One challenge, by its scheme.

use super::parameters::Parameters;

/// One challenge of a `WWW-Authenticate` header (RFC 9110 section 11.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Wants a token of a token service (RFC 6750 section 3).
    Bearer(Parameters),
    /// Wants a user and a password (RFC 7617 section 2).
    Basic(Parameters),
    /// Of any other scheme, byte for byte from its scheme to its last parameter: no two schemes
    /// have the same rules of quoting.
    Other(Vec<u8>),
}
