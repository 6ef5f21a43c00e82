//! The action that a plan asks of a host.

use std::time::Duration;

use super::token_endpoint::TokenEndpoint;
use crate::attempt::Retry;
use crate::client::Locality;
use crate::config::Backend;
use crate::policy::{Forward, Naming, Need, Push};
use crate::record::Decided;
use crate::reply::Reply;
use crate::response::Receipt;

/// What a host has to do with a request.
#[derive(Clone, Debug)]
pub struct Plan<'c> {
    /// The action.
    pub action: Action<'c>,
    /// What the log says of the decision.
    pub record: Decided<'c>,
    /// Which region the client is in, and why.
    pub locality: Locality,
    /// How the client names repositories.
    pub naming: Naming,
    /// The policy's name of the repository, where its front has upstreams; elsewhere it is the one
    /// that the client wrote.
    pub repository: Option<String>,
    /// Whether the answer is to name the backend that gave it.
    pub says_backend: bool,
}

/// Forward, or answer.
#[derive(Clone, Debug)]
pub enum Action<'c> {
    /// Let Envoy carry the request to a cluster.
    Forward(Box<Forwarding<'c>>),
    /// Answer it here.
    Reply(Reply),
    /// Find out something and plan again, with one more fact.
    Need(Need<'c>),
    /// Answer as the front's token endpoint.
    Token(TokenEndpoint),
    /// Answer with what Envoy counts.
    Scrape,
}

/// How a request is carried.
#[derive(Clone, Debug)]
pub struct Forwarding<'c> {
    /// The decision behind it.
    pub forward: Forward<'c>,
    /// The Envoy cluster.
    pub cluster: &'c str,
    /// The backend that is asked first.
    pub backend: &'c Backend,
    /// What the response phase needs; it holds the target for each backend.
    pub receipt: Receipt,
    /// Whether a target differs from what the client sent.
    pub target_changed: bool,
    /// Whether this starts an upload. The content type is then replaced by
    /// [`UPLOAD_CONTENT_TYPE`].
    pub starts_upload: bool,
    /// What becomes of the client's `Authorization`, where there is no attempt phase.
    pub authorization: Authorization,
    /// For the attempt phase, where it has anything to do: what each backend is sent.
    pub prepared: Option<Vec<u8>>,
    /// How Envoy goes on to the next backend, where there is one.
    pub retry: Option<Retry<'c>>,
    /// How long a read that only one backend can answer waits for the head of the answer; `None`
    /// leaves it to the route.
    pub head_timeout: Option<Duration>,
    /// How long a write may take from the end of its body; `None` for reads.
    pub write_timeout: Option<Duration>,
    /// What to note if the request succeeds.
    pub push: Option<Push>,
    /// The slot of the tag to forget if the request succeeds.
    pub written_tag: Option<u32>,
}

/// What becomes of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// It stays as it is.
    Kept,
    /// It is taken out.
    Removed,
    /// It gets this value.
    Replaced(Vec<u8>),
}

/// What the body of a request that starts an upload is: nothing, or a whole blob.
///
/// A registry written in Go may read `mount` and `from` out of a body of the type
/// `application/x-www-form-urlencoded` as well, and prefer them to the query. A client could
/// so mount a blob of a repository that the policy would not let it mount from.
pub const UPLOAD_CONTENT_TYPE: &str = "application/octet-stream";
