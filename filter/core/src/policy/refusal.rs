//! Why a request is not served.

use crate::config::ids::{FrontId, RefusedId, RuleId};
use crate::oci::{Class, RequestError};
use crate::token::TokenRequestError;

/// Why a request is not served. The client, or the policy, is to blame; never an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request is not one of the distribution spec.
    Request(RequestError),
    /// No front has this authority.
    FrontUnknown,
    /// The request names no one host: several, or somebody at one.
    HostInvalid,
    /// No rule matches this repository.
    RepositoryUnknown,
    /// `ns` has two values, or one that cannot be decoded.
    NamespaceInvalid,
    /// `ns` names no registry that the front stands for.
    NamespaceUnknown,
    /// Nothing in the request names a registry that the front stands for.
    UpstreamUnknown,
    /// The class is not offered: the catalogue and extensions.
    Unsupported(Class),
    /// The rule has no owner, so the repository takes no writes.
    PullOnly(RuleId),
    /// The rule takes no writes at the moment, as its operator says.
    WritesOfRule(RuleId),
    /// Nor does any rule for the clients of this front.
    WritesOfFront(FrontId),
    /// The policy refuses this client, this program or this image.
    OfClients(RefusedId),
    /// The front wants a password, and there is none or a wrong one.
    Unauthenticated,
    /// The rule is not for this client.
    Denied(RuleId),
    /// The request for a token cannot be read.
    Token(TokenRequestError),
    /// The front says that it is well only if every backend is, and one is not.
    BackendDown,
    /// Nobody could say whether a password is right.
    UnknownPassword,
    /// The upload would go on where the repository's owner keeps none.
    UploadUnknown,
    /// The name is too long once the backend's prefix is on it.
    NameTooLong(RuleId),
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}
