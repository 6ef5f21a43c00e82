//! Tokens of registries: what clients ask for, what token services answer, and what the proxy
//! keeps for itself.
//!
//! Two ways lead through here, one for each kind of front:
//!
//! * Client tokens. A client asks the front's token endpoint ([`from_get`], [`from_post`]); the
//!   request goes on to the token service of the chosen backend ([`TokenRequest::for_realm`]); the
//!   tokens in the answer are marked with their auth domain ([`tag_answer`]) and that mark is read
//!   when they come back ([`untag`]).
//! * Managed tokens. The proxy fetches its own tokens: [`Fetch`] has the requests, step by step,
//!   and the meaning of the answers. The driver has the waiting streams and the remembered tokens.

mod age;
mod answer;
mod call;
mod discovery;
mod fetch;
pub mod form;
mod managed;
mod redirect;
mod refusal;
mod request;
mod secret;
mod tag;

pub use answer::{Denial, Outcome, ServiceReply, TokenFault, read};
pub use call::TokenCall;
pub use discovery::{Discovery, Pinned, discover, repository_target};
pub use fetch::{Complaint, Fetch, Next, Source};
pub use managed::{Access, CATALOG_SCOPE, other_scope, repository_scope, target};
pub use redirect::{MAXIMUM_REDIRECTS, Redirected, redirected};
pub use refusal::{Refusal, refusal};
pub use request::{Grant, TokenRequest, TokenRequestError, from_get, from_post};
pub use secret::Secret;
pub use tag::{tag_answer, untag};
