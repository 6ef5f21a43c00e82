//! The walk of a request through the rooms, as the one door a host needs for it.

use std::borrow::Cow;

use crate::client::{self, ClientFacts, Locality};
use crate::config::ids::{BackendId, FrontId};
use crate::config::{Backend, Config, Rule};
use crate::policy::{self, Decision, Forward, Mounting, Refusal};
use crate::record::Record;
use crate::registry::{self, Endpoint, RegistryRequest, query};
use crate::reply::{self, Reply};
use crate::response::Receipt;

/// What a host reads of a request: bytes, as they came.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The request target: path and query.
    pub target: &'a [u8],
    /// `host[:port]` that the client asked.
    pub authority: &'a [u8],
    /// Who and where the client is.
    pub client: ClientFacts<'a>,
}

/// What a host has to do with a request.
#[derive(Clone, Debug)]
pub struct Plan<'c> {
    /// The action.
    pub action: Action<'c>,
    /// What to write to the log.
    pub record: Record<'c>,
    /// Which region the client is in, and why.
    pub locality: Locality,
}

/// Forward, or answer.
#[derive(Clone, Debug)]
pub enum Action<'c> {
    /// Let Envoy carry the request to a cluster.
    Forward(Forwarding<'c>),
    /// Answer it here.
    Reply(Reply),
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
    /// What the response phase needs; it holds the target to send.
    pub receipt: Receipt,
    /// Whether that target differs from what the client sent.
    pub target_changed: bool,
    /// Whether this starts an upload. The content type is then replaced by
    /// [`UPLOAD_CONTENT_TYPE`].
    pub starts_upload: bool,
}

/// What the body of a request that starts an upload is: nothing, or a whole blob.
///
/// A registry written in Go may read `mount` and `from` out of a body of the type
/// `application/x-www-form-urlencoded` as well, and prefer them to the query. A client could
/// so mount a blob of a repository that the policy would not let it mount from.
pub const UPLOAD_CONTENT_TYPE: &str = "application/octet-stream";

/// Plans one request: parse once, locate once, decide once.
#[must_use]
pub fn plan<'c>(config: &'c Config, head: &RequestHead<'_>) -> Plan<'c> {
    let locality = client::locate(config.regions(), &head.client);
    let front = config.fronts().find(head.authority);
    let parsed = registry::parse(head.method, head.target);
    let mut record = Record {
        front: front.map(|id| config.fronts().name(id)),
        region: config.regions().name(locality.region),
        class: parsed.as_ref().ok().map(|request| request.endpoint.class()),
        rule: None,
        backend: None,
        reason: String::new(),
    };
    let outcome = parsed
        .map_err(Refusal::from)
        .and_then(|request| act(config, front, &request, &locality, head.target));
    let (action, why) = match outcome {
        Ok(Outcome::Ping) => (Action::Reply(reply::ping()), "ping"),
        Ok(Outcome::Forward(forwarding)) => {
            record.rule = config.rules().get(forwarding.forward.rule).map(Rule::name);
            record.backend = Some(forwarding.backend.name());
            let why = forwarding.forward.choice.as_str();
            (Action::Forward(forwarding), why)
        }
        Err(refusal) => {
            record.rule = rule_of(config, &refusal);
            let is_read = matches!(head.method, b"GET" | b"HEAD");
            let reply = reply::refuse(config, &refusal, is_read);
            let code = reply.code;
            (Action::Reply(reply), code)
        }
    };
    record.reason = format!("{}; {why}", locality.why);
    Plan { action, record, locality }
}

enum Outcome<'c> {
    Ping,
    Forward(Forwarding<'c>),
}

fn act<'c>(
    config: &'c Config,
    front: Option<FrontId>,
    request: &RegistryRequest<'_>,
    locality: &Locality,
    target: &[u8],
) -> Result<Outcome<'c>, Refusal> {
    front.ok_or(Refusal::FrontUnknown)?;
    match policy::decide(config, request, locality)? {
        Decision::Ping => Ok(Outcome::Ping),
        Decision::Forward(forward) => {
            let first = forward.backends.first().copied().ok_or(Refusal::RepositoryUnknown)?;
            let backend = config.backend(first).ok_or(Refusal::RepositoryUnknown)?;
            Ok(Outcome::Forward(carry(forward, first, backend, request, target)))
        }
    }
}

fn carry<'c>(
    forward: Forward<'c>,
    id: BackendId,
    backend: &'c Backend,
    request: &RegistryRequest<'_>,
    target: &[u8],
) -> Forwarding<'c> {
    let front_name = request.endpoint.repository().map_or("", |name| name.as_str());
    let upstream_target = upstream_target(backend, request, front_name, &forward.mounting);
    Forwarding {
        forward,
        cluster: backend.cluster(),
        backend,
        target_changed: upstream_target != target,
        starts_upload: matches!(request.endpoint, Endpoint::Uploads { .. }),
        receipt: Receipt {
            backend: id,
            class: request.endpoint.class(),
            front_name: front_name.to_owned(),
            upstream_target,
        },
    }
}

/// The target that the backend understands: its base path, its name of the repository.
fn upstream_target(
    backend: &Backend,
    request: &RegistryRequest<'_>,
    front_name: &str,
    mounting: &Mounting,
) -> Vec<u8> {
    let name = backend.names().to_backend(front_name);
    let query = request.query.map(|bytes| match mounting {
        Mounting::Unasked => Cow::Borrowed(bytes),
        Mounting::From(name) => Cow::Owned(query::with_value(bytes, "from", name.as_bytes())),
        Mounting::Dropped => Cow::Owned(query::without(bytes, &["mount", "from"])),
    });
    let mut target = request.endpoint.path(backend.url().base_path(), &name);
    if let Some(query) = query.filter(|query| !query.is_empty() || *mounting == Mounting::Unasked) {
        target.push(b'?');
        target.extend_from_slice(&query);
    }
    target
}

fn rule_of<'c>(config: &'c Config, refusal: &Refusal) -> Option<&'c str> {
    match refusal {
        Refusal::PullOnly(id) | Refusal::NameTooLong(id) => config.rules().get(*id).map(Rule::name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
