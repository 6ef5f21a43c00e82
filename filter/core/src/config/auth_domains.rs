//! Auth domains: the token services and password files that credentials of clients are for.

use crate::config::ids::{AuthDomainId, BackendId};

/// All backends that accept the same client credentials: a token service under one name, or one
/// user database. What a client was given for one auth domain is never sent to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthDomain {
    /// The first backend of the policy that belongs to it; tokens are fetched as this one does.
    pub backend: BackendId,
    /// Whether it is a token service or a user database.
    pub kind: AuthDomainKind,
}

/// What an auth domain gives clients, or takes from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthDomainKind {
    /// Tokens, sent as `Bearer`.
    Token,
    /// Names and passwords, sent as `Basic`.
    Basic,
}

/// All auth domains of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthDomains(pub(crate) Vec<AuthDomain>);

impl AuthDomains {
    /// An auth domain by its id.
    #[must_use]
    pub fn get(&self, id: AuthDomainId) -> Option<AuthDomain> {
        self.0.get(id.index()).copied()
    }

    /// Whether tokens of several services go around, so that each has to say whose it is.
    #[must_use]
    pub fn has_several(&self) -> bool {
        self.0.len() > 1
    }

    /// All of them, in the order of their ids.
    #[must_use]
    pub fn all(&self) -> &[AuthDomain] {
        &self.0
    }
}
