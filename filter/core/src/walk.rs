//! The walk of a request through the rooms, as the one door a host needs for it.

use std::borrow::Cow;
use std::time::Duration;

use crate::attempt::{Prepared, Retry};
use crate::client::{self, ClientFacts, Locality};
use crate::config::ids::FrontId;
use crate::config::{Backend, Config, Rule};
use crate::policy::{self, Decision, Forward, Mounting, Push, Question, Refusal};
use crate::record::Record;
use crate::registry::{self, Endpoint, Method, RegistryRequest, query};
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
    /// The client's credentials, as they came.
    pub authorization: Option<&'a [u8]>,
    /// Who and where the client is.
    pub client: ClientFacts<'a>,
    /// The answer to [`Action::Ask`]; `None` at first.
    pub recently_pushed: Option<bool>,
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
    /// Find out something and plan again, with [`RequestHead::recently_pushed`] set.
    Ask(Question),
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
    /// For the attempt phase, where it has anything to do: what each backend is sent.
    pub prepared: Option<Vec<u8>>,
    /// How Envoy goes on to the next backend, where there is one.
    pub retry: Option<Retry>,
    /// How long a write may take from the end of its body; `None` for reads.
    pub write_timeout: Option<Duration>,
    /// What to note if the request succeeds.
    pub push: Option<Push>,
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
        .and_then(|request| act(config, front, &request, &locality, head));
    let (action, why) = match outcome {
        Ok(Step::Ping) => (Action::Reply(reply::ping()), "ping"),
        Ok(Step::Ask(question)) => (Action::Ask(question), "asked"),
        Ok(Step::Forward(forwarding)) => {
            let forwarding = *forwarding;
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

enum Step<'c> {
    Ping,
    Ask(Question),
    Forward(Box<Forwarding<'c>>),
}

fn act<'c>(
    config: &'c Config,
    front: Option<FrontId>,
    request: &RegistryRequest<'_>,
    locality: &Locality,
    head: &RequestHead<'_>,
) -> Result<Step<'c>, Refusal> {
    front.ok_or(Refusal::FrontUnknown)?;
    match policy::decide(config, request, locality, head.recently_pushed)? {
        Decision::Ping => Ok(Step::Ping),
        Decision::Ask(question) => Ok(Step::Ask(question)),
        Decision::Forward(forward) => {
            let forwarding = carry(config, forward, request, head);
            forwarding
                .map(|forwarding| Step::Forward(Box::new(forwarding)))
                .ok_or(Refusal::RepositoryUnknown)
        }
    }
}

/// Works out what is sent to whom. `None` only for an empty list, which no policy has.
fn carry<'c>(
    config: &'c Config,
    forward: Forward<'c>,
    request: &RegistryRequest<'_>,
    head: &RequestHead<'_>,
) -> Option<Forwarding<'c>> {
    let front_name = request.endpoint.repository().map_or("", |name| name.as_str());
    let members = forward.list.backends().iter().filter_map(|id| config.backend(*id));
    let members: Vec<&'c Backend> = members.collect();
    let target =
        |backend: &&Backend| upstream_target(backend, request, front_name, &forward.mounting);
    let targets: Vec<Vec<u8>> = members.iter().map(target).collect();
    let target_changed = targets.iter().any(|target| target != head.target);
    let backend = *members.first()?;
    Some(Forwarding {
        cluster: forward.list.cluster(),
        backend,
        target_changed,
        starts_upload: matches!(request.endpoint, Endpoint::Uploads { .. }),
        prepared: prepare(&members, &targets, target_changed, head),
        retry: Retry::of(
            config,
            forward.list,
            request,
            forward.choice,
            head.authorization.is_none(),
        ),
        write_timeout: write_timeout(backend, request),
        push: config
            .rules()
            .get(forward.rule)
            .and_then(|rule| policy::push(rule, front_name, request)),
        receipt: Receipt {
            list: forward.list_id,
            authority: forward.authority,
            class: request.endpoint.class(),
            front_name: front_name.to_owned(),
            targets,
        },
        forward,
    })
}

/// What the attempt phase needs: nothing for a list of one, and nothing where every backend is
/// sent what the client sent and shows what it lacks.
///
/// The client's credentials are for the first backend, whose challenge the client has seen. They are
/// not another registry's business.
fn prepare(
    members: &[&Backend],
    targets: &[Vec<u8>],
    target_changed: bool,
    head: &RequestHead<'_>,
) -> Option<Vec<u8>> {
    let credentials = |position: usize| head.authorization.filter(|_| position == 0);
    let hides = |position, backend: &Backend| {
        backend.resilience().hides_missing && credentials(position).is_none()
    };
    let each = || members.iter().enumerate();
    let needed = target_changed
        || head.authorization.is_some()
        || each().any(|(position, backend)| hides(position, backend));
    let prepared = each().zip(targets).map(|((position, backend), target)| Prepared {
        backend: backend.name(),
        hides_missing: hides(position, backend),
        target,
        authorization: credentials(position),
    });
    (members.len() > 1 && needed).then(|| Prepared::print(&prepared.collect::<Vec<_>>()))
}

/// How long the owner may take for a write. A `POST` with a digest carries a whole blob.
fn write_timeout(backend: &Backend, request: &RegistryRequest<'_>) -> Option<Duration> {
    let timeouts = backend.resilience().write_timeouts;
    let query = request.query.unwrap_or_default();
    let whole_blob = query::parameters(query).any(|parameter| parameter.has_key("digest"));
    match request.method {
        Method::Get | Method::Head => None,
        Method::Put | Method::Patch => Some(timeouts.content),
        Method::Post if whole_blob => Some(timeouts.content),
        Method::Post | Method::Delete => Some(timeouts.session),
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
