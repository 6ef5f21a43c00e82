//! The decision.

use super::admission::{self, Identity};
use super::cache::{self, CacheUse, Chosen, Route};
use super::client_redirect::{self, Asking, Instead};
use super::freshness;
use super::mount::{self, Mounting};
use super::naming::Naming;
use super::need::{Facts, Need, StoredBlob};
use super::refusal::Refusal;
use super::refused::Asker;
use super::stale_tag::{self, Recalled, StaleTag};
use crate::client::Locality;
use crate::config::ids::{BackendId, ListId, RuleId};
use crate::config::{BackendAuth, BackendList, Config, Front, FrontAuth, Purpose, Rule};
use crate::oci::{Class, Endpoint, Method, Reference, RegistryRequest, outside};

/// What is to be done with a request that may be served.
#[derive(Clone, Debug)]
pub enum Decision<'c> {
    /// Answer that this is a registry (distribution spec, end-1).
    Ping,
    /// Let a backend answer.
    Forward(Forward<'c>),
    /// Find out something first, and decide again.
    Need(Need<'c>),
    /// Send the client to one of these backends, the one at this place in the list.
    Redirect(Forward<'c>, usize),
    /// Send the client to the blob in a store.
    Store(StoredBlob),
}

/// Which backends may answer, and why these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward<'c> {
    /// The rule that matched; `None` for the ping and the catalogue.
    pub rule: Option<RuleId>,
    /// The backends that may answer, in the order in which they are tried.
    pub list: &'c BackendList,
    /// The same by its id.
    pub list_id: ListId,
    /// Why these.
    pub choice: Choice,
    /// The backend whose 404 is the whole truth: the owner, about its tags and about what exists.
    pub authority: Option<BackendId>,
    /// What becomes of the wish to mount a blob from another repository.
    pub mounting: Mounting,
    /// What becomes of it at the cache of the region.
    pub cache: CacheUse,
    /// For a read by tag that the cache of the region may answer with what the tag was, if nobody
    /// of the list can be asked.
    pub stale_tag: Option<StaleTag>,
}

/// Why a list of backends was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A digest: the whole chain of the client's region.
    Nearest,
    /// A tag, a list of tags or referrers: the replicas of the region's chain.
    Replica,
    /// A tag, a list of tags or referrers, and the rule wants the owner's: what was just
    /// pushed may not have reached the replicas.
    OwnerForTags,
    /// A write: the owner of the repository and nobody else.
    OwnerForWrite,
    /// A check whether content exists, on a repository that takes pushes: the owner. A copy on
    /// a nearer backend would make the client skip an upload that the owner then misses. Some
    /// clients begin a pull by digest with such a check of the manifest, so while the owner
    /// cannot be asked, and no push can succeed anyway, the others answer that one.
    OwnerForExistence,
    /// A tag that is about a manifest, or referrers, and the rule names who answers for these: they
    /// may not be everywhere that the image is.
    Signatures,
    /// The ping of a client that logs in with a password: who knows the passwords.
    Login,
    /// The catalogue: the backend whose one it is.
    Catalog,
}

impl Choice {
    /// The word for logs and for `portolan explain`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Replica => "nearest replica",
            Self::OwnerForTags => "owner, for tags",
            Self::OwnerForWrite => "owner, for a write",
            Self::OwnerForExistence => "owner, for an existence check",
            Self::Signatures => "for signatures",
            Self::Login => "login",
            Self::Catalog => "catalogue",
        }
    }
}

/// What is known of a request besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The front that was asked.
    pub front: &'a Front,
    /// How the client names repositories.
    pub naming: &'a Naming,
    /// The policy's name of the request's repository; empty if it is about none.
    pub name: &'a str,
    /// What the front knows of who asks.
    pub identity: Identity,
    /// Where the client is.
    pub locality: &'a Locality,
    /// Who asks.
    pub asker: &'a Asker<'a>,
    /// What the host has found out.
    pub facts: &'a Facts<'a>,
}

/// Decides one request to a repository.
///
/// # Errors
///
/// The refusal that the client gets.
pub fn decide<'c>(
    config: &'c Config,
    request: &RegistryRequest<'_>,
    asked: &Asked<'_>,
) -> Result<Decision<'c>, Refusal> {
    let name = asked.name;
    match (&request.endpoint, request.endpoint.repository()) {
        (Endpoint::Ping, _) => return Ok(Decision::Ping),
        (Endpoint::Catalog, _) => return catalog(config, asked),
        (Endpoint::Extension { .. }, _) | (_, None) => {
            return Err(Refusal::Unsupported(request.endpoint.class()));
        }
        (_, Some(_)) => {}
    }
    let id = config.rules().find(asked.front.id(), name).ok_or(Refusal::RepositoryUnknown)?;
    let rule = config.rules().get(id).ok_or(Refusal::RepositoryUnknown)?;
    let is_write = request.endpoint.class() == Class::Upload || !request.method.is_read();
    admission::admit(asked.front, (id, rule), is_write, asked.identity, asked.locality)?;
    if is_write {
        admission::writes_are_taken(asked.front, (id, rule))?;
    }
    let chosen =
        choose(config, rule, name, request, asked.locality).ok_or(Refusal::PullOnly(id))?;
    let (choice, list_id) = match (freshness::question(rule, name), asked.facts.recently_pushed) {
        (Some(question), None) if chosen.0 == Choice::Replica => {
            return Ok(Decision::Need(Need::RecentPush(question)));
        }
        (Some(_), Some(true)) if chosen.0 == Choice::Replica => own_tags(rule).unwrap_or(chosen),
        _ => chosen,
    };
    let list = config.list(list_id).ok_or(Refusal::RepositoryUnknown)?;
    if !fits(config, list, name) {
        return Err(Refusal::NameTooLong(id));
    }
    if !leads_to_uploads(config, list, request) {
        return Err(Refusal::UploadUnknown);
    }
    let mounting =
        match mount::decide(config, rule, request, (asked.front, asked.naming, asked.asker))? {
            // A token of the proxy's is for the one repository that the client may write to.
            Mounting::From(_) if uses_managed_token(config, asked.front, rule) => Mounting::Dropped,
            mounting => mounting,
        };
    let authority = authority(rule, choice);
    let asking = Asking { locality: asked.locality, facts: asked.facts };
    let is_any = choice == Choice::Nearest;
    let cache = CacheUse::None;
    let forward = Forward {
        rule: Some(id),
        list,
        list_id,
        choice,
        authority,
        mounting,
        cache,
        stale_tag: None,
    };
    Ok(match client_redirect::instead_of(config, request, &asking, (id, list), is_any) {
        Instead::Nothing if is_any => {
            let chosen = Chosen { front: asked.front, rule, name, locality: asked.locality };
            through_cache(config, forward, cache::route(config, request, &chosen, asked.facts))
        }
        Instead::Nothing if choice == Choice::Replica => {
            let chosen = Chosen { front: asked.front, rule, name, locality: asked.locality };
            with_stale_tag(forward, stale_tag::recall(config, request, &chosen, list, asked.facts))
        }
        Instead::Nothing => Decision::Forward(forward),
        Instead::Need(need) => Decision::Need(need),
        Instead::Backend(place) => Decision::Redirect(forward, place),
        Instead::Store(blob) => Decision::Store(blob),
    })
}

/// The same through the cache of the region, where that may answer.
fn through_cache<'c>(config: &'c Config, forward: Forward<'c>, route: Route<'c>) -> Decision<'c> {
    match route {
        Route::Registries(cache) => Decision::Forward(Forward { cache, ..forward }),
        Route::Need(need) => Decision::Need(need),
        Route::Cache(member, list_id) => Decision::Forward(match config.list(list_id) {
            Some(list) => Forward { list, list_id, cache: CacheUse::Asked(member), ..forward },
            None => forward,
        }),
    }
}

/// The same with what the tag was, where the cache of the region may answer with that.
fn with_stale_tag(forward: Forward<'_>, recalled: Recalled) -> Decision<'_> {
    match recalled {
        Recalled::Nothing => Decision::Forward(forward),
        Recalled::Need(question) => Decision::Need(Need::Tag(question)),
        Recalled::Known(tag) => Decision::Forward(Forward { stale_tag: Some(tag), ..forward }),
    }
}

fn uses_managed_token(config: &Config, front: &Front, rule: &Rule) -> bool {
    let owner = rule.owner().and_then(|owner| config.backend(owner.backend));
    !matches!(front.auth(), FrontAuth::Upstream { .. })
        && owner.is_some_and(|owner| matches!(owner.auth(), BackendAuth::Token(_)))
}

/// The catalogue, where the front has one. Who lists names sees more than any rule shows, so a
/// front that knows passwords wants one.
fn catalog<'c>(config: &'c Config, asked: &Asked<'_>) -> Result<Decision<'c>, Refusal> {
    let unsupported = Refusal::Unsupported(Class::Catalog);
    let list_id = asked.front.catalog().ok_or(unsupported)?;
    let has_passwords = matches!(asked.front.auth(), FrontAuth::Basic(_));
    if has_passwords && asked.identity == Identity::Anonymous {
        return Err(Refusal::Unauthenticated);
    }
    let list = config.list(list_id).ok_or(unsupported)?;
    Ok(Decision::Forward(Forward {
        rule: None,
        list,
        list_id,
        choice: Choice::Catalog,
        authority: None,
        mounting: Mounting::Unasked,
        cache: CacheUse::None,
        stale_tag: None,
    }))
}

/// The list for a request, or `None` for a write that has no owner to go to.
fn choose(
    config: &Config,
    rule: &Rule,
    name: &str,
    request: &RegistryRequest<'_>,
    locality: &Locality,
) -> Option<(Choice, ListId)> {
    let owner = rule.owner().map(|owner| owner.list);
    if request.endpoint.class() == Class::Upload || !request.method.is_read() {
        return Some((Choice::OwnerForWrite, owner?));
    }
    let lists = rule.chain(locality.region)?.lists(name);
    let by_digest = matches!(
        &request.endpoint,
        Endpoint::Blob { .. } | Endpoint::Manifest { reference: Reference::Digest(_), .. }
    );
    Some(match (by_digest, owner) {
        (true, Some(owner)) if request.method == Method::Head => {
            let is_blob = matches!(&request.endpoint, Endpoint::Blob { .. });
            let list = lists.existence.filter(|_| !is_blob).unwrap_or(owner);
            (Choice::OwnerForExistence, list)
        }
        (true, _) => (Choice::Nearest, lists.digests),
        (false, _)
            if let Some(list) = rule.signatures().filter(|_| is_about_a_manifest(request)) =>
        {
            (Choice::Signatures, list)
        }
        (false, _) if is_owner(config, lists.tags) => (Choice::OwnerForTags, lists.tags),
        (false, _) => (Choice::Replica, lists.tags),
    })
}

/// A digest that the owner lacks may be on another backend; a tag may not, nor what a push asks
/// for.
fn authority(rule: &Rule, choice: Choice) -> Option<BackendId> {
    match choice {
        Choice::Nearest => None,
        _ => rule.owner().map(|owner| owner.backend),
    }
}

/// Whether a request asks what there is about a manifest: by the referrers API, or by a tag that
/// stands for it.
fn is_about_a_manifest(request: &RegistryRequest<'_>) -> bool {
    match &request.endpoint {
        Endpoint::Referrers { .. } => true,
        Endpoint::Manifest { reference: Reference::Tag(tag), .. } => tag.is_about_a_manifest(),
        _ => false,
    }
}

/// Tags from the owner, after a push.
fn own_tags(rule: &Rule) -> Option<(Choice, ListId)> {
    rule.owner().map(|owner| (Choice::OwnerForTags, owner.list))
}

fn is_owner(config: &Config, list: ListId) -> bool {
    config.list(list).is_some_and(|list| list.purpose() == Purpose::Owner)
}

/// Whether an upload that goes on outside of `/v2/` does so where the policy says that this backend
/// keeps its uploads. Whatever else a client writes there leads nowhere.
fn leads_to_uploads(config: &Config, list: &BackendList, request: &RegistryRequest<'_>) -> bool {
    let Endpoint::Upload { session, .. } = &request.endpoint else { return true };
    if !outside::is_outside(session) {
        return true;
    }
    let Some(path) = outside::path_of(session) else { return false };
    let mut backends = list.backends().iter().filter_map(|id| config.backend(*id));
    backends.all(|backend| backend.takes_uploads_at(&path))
}

/// Whether the name, as each backend writes it, is within the limit that clients and
/// registries share (distribution spec, "Pulling manifests": 255 characters).
fn fits(config: &Config, list: &BackendList, name: &str) -> bool {
    let mut mapped = list.backends().iter().filter_map(|id| config.backend(*id));
    mapped.all(|backend| backend.names().length_at_backend(name) <= MAXIMUM_NAME)
}

/// The longest repository name, in bytes.
const MAXIMUM_NAME: usize = 255;
