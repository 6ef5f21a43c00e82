//! The plan of a request, in words.

use portolan_core::attempt::{self, Redirection};
use portolan_core::config::ids::{BackendId, RegionId};
use portolan_core::config::{Backend, BackendList, Config};
use portolan_core::oci::Class;
use portolan_core::policy::StoredBlob;
use portolan_core::probe::Presence;
use portolan_core::reply::{self, Reply};
use portolan_core::{Action, ExchangeRequest, Forwarding, Need, TokenEndpoint, plan};
use serde::Serialize;
use serde_json::{Map, Value};

use super::request::{Encoding, Request};

/// The version of the JSON, which changes when a field does.
pub(super) const VERSION: u8 = 1;

/// What becomes of a request. The names of the fields are those of the JSON, and stay.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'c> {
    /// The front that was asked.
    pub(super) front: Option<&'c str>,
    /// The client's region.
    pub(super) region: &'c str,
    /// What decided the region.
    pub(super) located_by: String,
    /// The label of the client's network.
    pub(super) label: Option<&'c str>,
    /// The client's country, if a believed header names one.
    pub(super) country: Option<String>,
    /// What kind of request it is.
    pub(super) class: Option<&'static str>,
    /// The registry that the client names, one of the front's upstreams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) registry: Option<String>,
    /// The policy's name of the repository, where the front has upstreams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repository: Option<String>,
    /// The rule that matched.
    pub(super) rule: Option<&'c str>,
    /// The backend or blob store that the client is sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sent_to: Option<&'c str>,
    /// Where it ends.
    #[serde(flatten)]
    pub(super) end: End<'c>,
    /// The line that the access log gets.
    pub(super) reason: String,
}

/// Where a request ends.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum End<'c> {
    /// At a backend.
    Forward {
        /// The backends that may answer, nearest first.
        chain: Vec<&'c str>,
        /// The one that is asked: the first that is up.
        backend: &'c str,
        /// The Envoy cluster that reaches it.
        cluster: &'c str,
        /// `http` or `https`.
        scheme: &'static str,
        /// `host[:port]` that is sent to it.
        authority: &'c str,
        /// Path and query that are sent to it.
        path: String,
        /// Those of them whose redirects the proxy follows for this client.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        followed: Vec<String>,
        /// Those of the region's chain that are not asked, and why.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<Skipped<'c>>,
        /// Why these backends.
        choice: &'static str,
        /// Whether none of them is up, so that the client gets a 503.
        #[serde(skip_serializing_if = "is_false")]
        none_up: bool,
        /// The status of Envoy's answer while none of them is up.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// At a token service, which the front's token endpoint asks for the client.
    Token {
        /// The backend whose service it is; none for a form, which is read first.
        token_service_of: Option<String>,
        /// The Envoy cluster that reaches it.
        cluster: Option<String>,
        /// `host[:port]` of the service.
        authority: Option<String>,
        /// What is asked for, by the backends' names.
        scopes: Vec<String>,
    },
    /// It depends on whether a blob store has the blob.
    Probe {
        /// The store that is asked, unless that is known already.
        blob_store: &'c str,
        /// The URL that is asked with `HEAD`.
        probe: String,
        /// What becomes of the request if the store has it.
        present: Box<Answer<'c>>,
        /// What becomes of it if the store does not, or does not say.
        otherwise: Box<Answer<'c>>,
    },
    /// Here.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The OCI error code, or `ok`.
        code: &'static str,
        /// The header fields.
        headers: Map<String, Value>,
        /// The body.
        body: String,
    },
}

/// A backend that a client of the region might expect to be asked, and that is not.
#[derive(Debug, Serialize)]
pub(super) struct Skipped<'c> {
    /// Its name.
    pub(super) backend: &'c str,
    /// `down`, or `no replica`: it is not among the rule's `replicas` and may lack the tag.
    pub(super) reason: &'static str,
}

impl<'c> Answer<'c> {
    /// Plans the request as the filter does.
    pub(super) fn to(request: &Request, config: &'c Config, encoding: Encoding) -> Self {
        let plan = plan(config, &request.head(), &request.facts());
        let (record, locality) = (plan.record, plan.locality);
        Self {
            front: record.front,
            region: record.region,
            located_by: locality.why.to_string(),
            label: locality.label.map(|label| config.regions().label(label)),
            country: locality.country.map(|country| country.to_string()),
            class: record.class.map(Class::as_str),
            registry: record.registry,
            repository: plan.repository,
            rule: record.rule,
            sent_to: record.sent_to,
            end: match plan.action {
                Action::Need(Need::BlobPresence(blob)) => {
                    End::probe(&blob, request, config, encoding)
                }
                Action::Forward(forwarding) => {
                    let whole = whole_chain(config, record.rule, locality.region, request);
                    End::forward(&forwarding, whole, &request.down, config, encoding)
                }
                Action::Reply(reply) => End::reply(reply),
                Action::Token(endpoint) => End::token(endpoint),
                Action::Scrape => End::reply(reply::metrics(String::new())),
                // Every other fact is known.
                Action::Need(_) => End::reply(reply::host_failed()),
            },
            reason: record.reason,
        }
    }

    /// What kind of end it has.
    const fn kind(&self) -> &'static str {
        match self.end {
            End::Forward { .. } => "forward",
            End::Token { .. } => "token",
            End::Probe { .. } => "probe",
            End::Reply { .. } => "reply",
        }
    }

    /// The answer as JSON, with its kind and the version of this form.
    pub(super) fn to_value(&self) -> Value {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut json {
            fields.insert("kind".to_owned(), self.kind().into());
            fields.insert("version".to_owned(), VERSION.into());
        }
        json
    }

    /// The answer as one line of JSON, with the notes if there are any.
    pub(super) fn to_json(&self, notes: &[String]) -> String {
        let mut json = self.to_value();
        if let (Value::Object(fields), false) = (&mut json, notes.is_empty()) {
            fields.insert("notes".to_owned(), notes.into());
        }
        json.to_string()
    }
}

impl<'c> End<'c> {
    fn forward(
        forwarding: &Forwarding<'c>,
        whole: &[BackendId],
        down: &[String],
        config: &'c Config,
        encoding: Encoding,
    ) -> Self {
        let chain = forwarding.forward.list.backends().iter();
        let chain: Vec<&Backend> = chain.filter_map(|id| config.backend(*id)).collect();
        let is_up = |backend: &&Backend| !down.iter().any(|one| one == backend.cluster());
        let first_up = chain.iter().position(is_up);
        let place = first_up.unwrap_or(0);
        let backend = chain.get(place).copied().unwrap_or(forwarding.backend);
        let target = forwarding.receipt.targets.get(place);
        let asked = forwarding.forward.list.backends();
        let others =
            whole.iter().filter(|id| !asked.contains(id)).filter_map(|id| config.backend(*id));
        let others = others.map(|other| Skipped { backend: other.name(), reason: "no replica" });
        let down = chain.iter().take(first_up.unwrap_or(chain.len()));
        let down = down.map(|backend| Skipped { backend: backend.name(), reason: "down" });
        let skipped: Vec<Skipped<'c>> = down.chain(others).collect();
        Self::Forward {
            chain: chain.into_iter().map(Backend::name).collect(),
            backend: backend.name(),
            cluster: forwarding.cluster,
            scheme: backend.url().scheme().as_str(),
            authority: backend.url().authority(),
            path: target.map(|target| encoding.text(target).into_owned()).unwrap_or_default(),
            followed: followed(forwarding),
            skipped,
            choice: forwarding.forward.choice.as_str(),
            none_up: first_up.is_none(),
            status: first_up.is_none().then_some(503),
        }
    }

    fn probe(blob: &StoredBlob, request: &Request, config: &'c Config, encoding: Encoding) -> Self {
        let Some(store) = config.blob_store(blob.store) else {
            return Self::reply(reply::host_failed());
        };
        let when = |presence| {
            let request = Request { in_store: Some(presence), ..request.clone() };
            Box::new(Answer::to(&request, config, encoding))
        };
        Self::Probe {
            blob_store: store.name(),
            probe: store.url().location(&blob.digest),
            present: when(Presence::Present),
            otherwise: when(Presence::Absent),
        }
    }

    fn token(endpoint: TokenEndpoint) -> Self {
        let request = match endpoint {
            TokenEndpoint::NeedsBody => None,
            TokenEndpoint::Exchange(request) => Some(*request),
        };
        let of =
            |part: fn(&ExchangeRequest) -> &String| request.as_ref().map(|all| part(all).clone());
        Self::Token {
            token_service_of: of(|request| &request.backend),
            cluster: of(|request| &request.cluster),
            authority: of(|request| &request.authority),
            scopes: request.map(|request| request.scopes).unwrap_or_default(),
        }
    }

    fn reply(reply: Reply) -> Self {
        let headers = reply.headers.into_iter();
        Self::Reply {
            status: reply.status,
            code: reply.code,
            headers: headers.map(|(name, value)| (name.to_owned(), value.into())).collect(),
            body: reply.body.text().into_owned(),
        }
    }
}

/// The whole chain of the rule for a client's region, where the request is for a tag: of it only
/// replicas are asked.
fn whole_chain<'c>(
    config: &'c Config,
    rule: Option<&str>,
    region: RegionId,
    request: &Request,
) -> &'c [BackendId] {
    let is_read = matches!(request.method.as_slice(), b"GET" | b"HEAD");
    let rule = config.rules().all().iter().find(|known| Some(known.name()) == rule);
    let chain = rule.filter(|_| is_read).and_then(|rule| rule.chain(region));
    let target = String::from_utf8_lossy(&request.target);
    let name = target.strip_prefix("/v2/").and_then(|rest| rest.rsplit_once("/manifests/"));
    let lists = chain.zip(name).map(|(chain, (name, _))| chain.lists(name));
    let list = lists.and_then(|lists| config.list(lists.digests));
    list.map(BackendList::backends).unwrap_or_default()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What the attempt phase is told of redirects, read as it reads it.
fn followed(forwarding: &Forwarding<'_>) -> Vec<String> {
    let prepared = forwarding.prepared.as_deref().unwrap_or_default();
    attempt::all(prepared)
        .filter(|part| matches!(part.redirection, Redirection::Followed { .. }))
        .map(|part| part.backend.to_owned())
        .collect()
}
