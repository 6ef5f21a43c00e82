//! Challenges: how a registry asks for credentials, and the challenge that a client of a front gets
//! instead.
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
mod scheme;
mod scope;
mod scope_list;

pub use discover::{Discovered, token_service};
pub use neutral::is_neutral;
pub use parameters::Parameters;
pub use print::print;
pub use read::{Unreadable, read};
pub use rewrite::{Accepts, FrontChallenge, bare, rewrite, unauthorized};
pub use scheme::Challenge;
pub use scope::{Scope, ScopeEntry};
pub use scope_list::{ScopeList, ScopeListTooLarge};

#[cfg(test)]
mod tests;
