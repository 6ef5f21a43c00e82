//! A request that is forwarded: the request to each backend, and its timeouts.

use std::borrow::Cow;
use std::time::Duration;

use super::action::{Authorization, Forwarding};
use super::head::RequestHead;
use crate::attempt::{self, BackendRequest, Bounds, Credentials, Redirection, Retry};
use crate::config::ids::RegionId;
use crate::config::{Backend, Config, Front, FrontAuth, RedirectHandling, Rule, Scheme};
use crate::contract::clusters;
use crate::oci::{Class, Endpoint, Method, RegistryRequest, outside, query};
use crate::policy::naming::NAMESPACE;
use crate::policy::{self, Choice, Forward, FrontRealm, Mounting, Naming, cache};
use crate::response::Receipt;

/// Who asks, and for what.
pub(super) struct RequestContext<'a> {
    pub(super) front: &'a Front,
    pub(super) region: RegionId,
    pub(super) naming: &'a Naming,
    /// The policy's name of the repository; empty if the request is about none.
    pub(super) name: &'a str,
    pub(super) request: &'a RegistryRequest<'a>,
    pub(super) head: &'a RequestHead<'a>,
}

/// What one backend of a list is sent.
struct Part<'c, 'a> {
    backend: &'c Backend,
    target: Vec<u8>,
    hides_missing: bool,
    is_authority: bool,
    redirection: Redirection<'a>,
    credentials: Credentials<'a>,
}

/// Works out what is sent to whom. `None` only for an empty list, which no policy has.
pub(super) fn forwarding<'c: 'a, 'a>(
    config: &'c Config,
    forward: Forward<'c>,
    asked: &RequestContext<'a>,
    front_realm: Option<FrontRealm>,
) -> Option<Forwarding<'c>> {
    let RequestContext { front, request, head, naming, name, .. } = *asked;
    let members = forward.list.backends().iter().filter_map(|id| config.backend(*id));
    let query = upstream_query(request, &forward.mounting);
    let query = query.as_deref();
    let mut parts: Vec<Part<'c, 'a>> =
        members.map(|backend| part(config, backend, asked, query)).collect();
    // What a push asks is about the owner alone; the others only stand in for one that is down.
    if forward.choice == Choice::OwnerForExistence
        && let [owner, _, ..] = parts.as_mut_slice()
    {
        owner.is_authority = true;
    }
    let first = parts.first()?;
    let backend = first.backend;
    let target_changed = parts.iter().any(|part| part.target != head.target);
    // The owner's answer is awaited where it is about a push; and what an attempt at a second
    // backend notes would confuse the pass that follows a redirect of the first.
    let may_overlap = !parts.iter().any(|part| part.is_authority || part.is_followed());
    let proxys = parts.iter().any(|part| part.credentials.are_of_the_proxy());
    let clients_log_in = matches!(front.auth(), FrontAuth::Upstream { .. });
    let stale = stale_target(&forward);
    let prepared =
        prepare(config, &parts, stale.as_deref(), (target_changed, clients_log_in), head);
    // It asks about a push and makes none.
    let is_preflight = head.preflight.is_some();
    Some(Forwarding {
        cluster: forward.list.cluster(),
        backend,
        target_changed,
        starts_upload: request.method == Method::Post
            && request.endpoint.class() == Class::Upload
            && !is_preflight,
        authorization: authorization(first, head),
        retry: retry(config, front, &forward, (request, may_overlap)),
        head_timeout: attempt::alone(config, forward.list, request).filter(|_| stale.is_none()),
        write_timeout: write_timeout(backend, request),
        push: forward
            .rule
            .filter(|_| !is_preflight)
            .and_then(|rule| config.rules().get(rule))
            .and_then(|rule| policy::push(rule, name, request)),
        written_tag: forward
            .rule
            .filter(|_| !is_preflight)
            .and_then(|rule| config.rules().get(rule))
            .and_then(|rule| policy::written_tag(rule, name, request)),
        receipt: Receipt {
            list: forward.list_id,
            authority: forward.authority,
            class: request.endpoint.class(),
            access: attempt::access(request),
            writes: request.endpoint.class() == Class::Upload || !request.method.is_read(),
            front: front.id(),
            client_name: client_name(request).to_owned(),
            naming: naming.clone(),
            follows: parts.iter().any(Part::is_followed),
            proxy_authenticated: proxys,
            hides_missing: matches!(parts.as_slice(), [only] if only.hides_missing),
            is_marked: prepared.is_some(),
            may_be_stale: stale.is_some(),
            asks: head.asks,
            front_realm,
            targets: parts.into_iter().map(|part| part.target).collect(),
        },
        prepared,
        forward,
    })
}

fn part<'c: 'a, 'a>(
    config: &'c Config,
    backend: &'c Backend,
    asked: &RequestContext<'a>,
    query: Option<&[u8]>,
) -> Part<'c, 'a> {
    let RequestContext { front, region, name, request, head, .. } = *asked;
    if let Some(part) = cache_part(config, backend, asked) {
        return part;
    }
    let name = backend.names().to_backend(name);
    let credentials =
        attempt::credentials(config, front, backend, request, &name, head.authorization);
    Part {
        backend,
        target: upstream_target(backend, request, &name, query),
        // To a client that shows credentials, a refusal is an answer about them.
        hides_missing: backend.resilience().hides_missing
            && !matches!(credentials, Credentials::Client(_)),
        is_authority: false,
        redirection: redirection(config, backend, region, request),
        credentials,
    }
}

/// The attempts of a request to a list of several, or to one behind which a cache may answer with
/// what the tag was. Of those attempts no two may be made at a time.
fn retry<'c>(
    config: &'c Config,
    front: &Front,
    forward: &Forward<'c>,
    (request, may_overlap): (&RegistryRequest<'_>, bool),
) -> Option<Retry<'c>> {
    if forward.stale_tag.as_ref().is_some_and(|tag| tag.digest.is_some()) {
        return Retry::before_a_cache(config, front, forward.list, request);
    }
    let retry = Retry::of(config, front, forward.list, request)?;
    Some(Retry { hedge: retry.hedge.filter(|_| may_overlap), ..retry })
}

/// What the fill listener of this Envoy is asked for in the end, where it is known what the tag
/// was: the manifest by its digest, from the cache.
fn stale_target(forward: &Forward<'_>) -> Option<Vec<u8>> {
    let tag = forward.stale_tag.as_ref()?;
    Some(tag.place.target(tag.digest.as_ref()?).into_bytes())
}

/// What a cache is sent: whose chain it is filled through, and nothing of who asks.
fn cache_part<'c, 'a>(
    config: &Config,
    backend: &'c Backend,
    asked: &RequestContext<'a>,
) -> Option<Part<'c, 'a>> {
    let RequestContext { front, region, name, request, .. } = *asked;
    clusters::is_cache(backend.name()).then(|| Part {
        backend,
        target: cache::fill_target(
            &request.endpoint,
            name,
            front.name(),
            config.regions().name(region),
        )
        .into_bytes(),
        hides_missing: false,
        is_authority: false,
        redirection: Redirection::Unwatched,
        credentials: Credentials::Nothing,
    })
}

/// What the attempt phase needs: nothing where every backend is sent what the client sent and
/// shows what it lacks, and where no client can log in to any of them.
fn prepare(
    config: &Config,
    parts: &[Part<'_, '_>],
    stale: Option<&[u8]>,
    (target_changed, clients_log_in): (bool, bool),
    head: &RequestHead<'_>,
) -> Option<Vec<u8>> {
    let has_fallback = parts.len() > 1 || stale.is_some();
    let proxys = || parts.iter().any(|part| part.credentials.are_of_the_proxy());
    let special = || parts.iter().any(|part| part.hides_missing || part.is_authority);
    let needed = if stale.is_some() {
        true
    } else if has_fallback {
        target_changed || clients_log_in || head.authorization.is_some() || special() || proxys()
    } else {
        proxys()
    };
    if !needed && !config.follows_redirects() {
        return None;
    }
    let prepared = parts.iter().map(|part| BackendRequest {
        backend: part.backend.name(),
        hides_missing: part.hides_missing,
        is_authority: part.is_authority,
        redirection: part.redirection.clone(),
        target: if has_fallback || part.is_followed() { &part.target } else { b"" },
        credentials: part.credentials.clone(),
    });
    let stale = stale.map(|target| BackendRequest {
        backend: clusters::STALE,
        hides_missing: false,
        is_authority: false,
        redirection: Redirection::Unwatched,
        target,
        credentials: Credentials::Nothing,
    });
    Some(BackendRequest::print(&prepared.chain(stale).collect::<Vec<_>>()))
}

impl Part<'_, '_> {
    const fn is_followed(&self) -> bool {
        matches!(self.redirection, Redirection::Followed { .. })
    }
}

/// What becomes of a redirect. Only content is fetched from elsewhere: a redirect of a write, a
/// list or an upload's state is not about where blobs are.
///
/// Without TLS only to where an operator has its own network: from a registry that has none either.
fn redirection<'c>(
    config: &Config,
    backend: &'c Backend,
    region: RegionId,
    request: &RegistryRequest<'_>,
) -> Redirection<'c> {
    let redirects = backend.followed_redirects();
    let is_content = matches!(
        request.endpoint.class(),
        Class::Blob | Class::ManifestByTag | Class::ManifestByDigest
    );
    if redirects.of(region) == RedirectHandling::Follow && request.method.is_read() && is_content {
        let url = backend.url();
        let plain = url.scheme() == Scheme::Http && redirects.private_addresses();
        let origin = url.origin().into();
        return Redirection::Followed {
            key: backend.key(),
            origin,
            bounds: Bounds { plain, hosts: redirects.allowed() },
        };
    }
    if config.follows_redirects() {
        Redirection::Passed { authority: backend.url().authority().into() }
    } else {
        Redirection::Unwatched
    }
}

/// What a list of one does with the client's `Authorization`; for others the attempt phase does it,
/// and wherever a token of the proxy's takes its place, or nothing if there is none to be had.
fn authorization(first: &Part<'_, '_>, head: &RequestHead<'_>) -> Authorization {
    match (&first.credentials, head.authorization) {
        (_, None) | (Credentials::Token(_), _) => Authorization::Kept,
        (Credentials::Client(value), Some(sent)) if **value == *sent => Authorization::Kept,
        (Credentials::Client(value), Some(_)) => Authorization::Replaced(value.to_vec()),
        (_, Some(_)) => Authorization::Removed,
    }
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

/// What the backend at a place of the list would be sent, and who that is; `None` where the list is
/// shorter.
pub(super) fn target_at<'c>(
    config: &'c Config,
    forward: &Forward<'c>,
    asked: &RequestContext<'_>,
    place: usize,
) -> Option<(&'c Backend, Vec<u8>)> {
    let RequestContext { request, name, .. } = *asked;
    let backend = config.backend(*forward.list.backends().get(place)?)?;
    let query = upstream_query(request, &forward.mounting);
    let name = backend.names().to_backend(name);
    Some((backend, upstream_target(backend, request, &name, query.as_deref())))
}

/// The target that the backend understands: its base path, its name of the repository; or its own
/// path of an upload.
fn upstream_target(
    backend: &Backend,
    request: &RegistryRequest<'_>,
    name: &str,
    query: Option<&[u8]>,
) -> Vec<u8> {
    let mut target = match &request.endpoint {
        Endpoint::Upload { session, .. } => outside::path_of(session),
        _ => None,
    }
    .unwrap_or_else(|| request.endpoint.path(backend.url().base_path(), name));
    if let Some(query) = query {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    target
}

/// The query without what is not the backend's to see, and with its name of a mount's source; every
/// other byte stays, as does an empty query that the client sent. `ns` is between the client and
/// the front, also where the front has one namespace and does not read it.
fn upstream_query<'a>(request: &RegistryRequest<'a>, mounting: &Mounting) -> Option<Cow<'a, [u8]>> {
    let sent = request.query?;
    let is_namespace = |parameter: query::Parameter<'_>| parameter.has_key(NAMESPACE);
    let query = if query::parameters(sent).any(is_namespace) {
        Cow::Owned(query::without(sent, &[NAMESPACE]))
    } else {
        Cow::Borrowed(sent)
    };
    let query = match mounting {
        Mounting::Unasked => query,
        Mounting::From(name) => Cow::Owned(query::with_value(&query, "from", name.as_bytes())),
        Mounting::Dropped => Cow::Owned(query::without(&query, &["mount", "from"])),
    };
    (!query.is_empty() || matches!(query, Cow::Borrowed(_))).then_some(query)
}

/// The name of the repository as the client wrote it; empty if the request is about none.
pub(super) fn client_name<'a>(request: &RegistryRequest<'a>) -> &'a str {
    request.endpoint.repository().map_or("", |name| name.as_str())
}

/// The rule of a forward, for the record.
pub(super) fn rule_name<'c>(config: &'c Config, forward: &Forward<'c>) -> Option<&'c str> {
    forward.rule.and_then(|rule| config.rules().get(rule)).map(Rule::name)
}
