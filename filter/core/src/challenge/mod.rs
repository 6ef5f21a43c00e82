//! How a registry asks for credentials, and what a client of a front is told instead.
//!
//! A challenge says where tokens come from and what they must be good for (RFC 9110 section
//! 11.6.1, RFC 6750 section 3, the distribution project's token specification). An upstream's
//! names its own token service and its own repositories. A client that believed it would leave
//! the front, and many refuse to: a realm on another host than the registry's has been used to
//! steal credentials (CVE-2020-15157). So nothing of an upstream's challenge passes unread.

mod discover;
mod neutral;
mod parameters;
mod print;
mod read;
mod rewrite;
mod scan;
mod scope;
mod scope_list;

pub use discover::{Discovered, token_service};
pub use neutral::is_neutral;
pub use parameters::Parameters;
pub use print::print;
pub use read::{Unreadable, read};
pub use rewrite::{Accepts, FrontChallenge, bare, rewrite, unauthorized};
pub use scope::{Scope, ScopeEntry};
pub use scope_list::{ScopeList, ScopeListTooLarge};

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

#[cfg(test)]
mod tests;
