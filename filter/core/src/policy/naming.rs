//! Maps the names that clients use for repositories to the names of the policy.
//!
//! A front may stand for several registries. Which one a request means is said by, in this order,
//! its host, its `ns` (the OCI distribution spec, "Registry Proxying"), the start of the
//! repository's name, or nothing at all, which is the front's default. All four are lookups in the
//! policy; nothing that a client writes is ever dialled.
//!
//! Behind this, a repository has one name, the policy's, whichever way it was named: rules and
//! backends see no other. Towards the client it keeps the name that the client used.

use std::borrow::Cow;
use std::sync::Arc;

use super::refusal::Refusal;
use crate::config::ids::UpstreamId;
use crate::config::{Front, Upstream, Upstreams};
use crate::oci::{RegistryRequest, RequestError, query};

/// The parameter by which containerd says which registry it means.
pub const NAMESPACE: &str = "ns";

/// Where Docker Hub keeps what its users name by one component.
const LIBRARY: &str = "library/";

/// How one request names repositories. Made once; on a front without upstreams it is empty, and
/// every name is itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming(Option<Named>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    upstreams: Arc<Upstreams>,
    /// What names an upstream besides the repository's name, where something does.
    said: Option<(UpstreamId, By)>,
    /// How the request's own repository is written.
    spelling: Option<Spelling>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    Host,
    /// By `ns`, with this value, as the policy writes it.
    Namespace(String),
    /// By the path of the token endpoint, where a challenge had put it.
    Realm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spelling {
    upstream: UpstreamId,
    /// Whether the client writes the upstream's prefix.
    has_prefix: bool,
    /// Whether the client leaves out `library/`.
    lacks_library: bool,
}

impl Naming {
    /// Reads how a request through `front` names its repository.
    ///
    /// # Errors
    ///
    /// * [`Refusal::NamespaceInvalid`]: `ns` has no value that all readers would agree on.
    /// * [`Refusal::NamespaceUnknown`]: `ns` names none of the front's upstreams.
    /// * [`Refusal::UpstreamUnknown`]: nothing names one, and there is no default.
    pub fn of(
        front: &Front,
        authority: &[u8],
        request: &RegistryRequest<'_>,
    ) -> Result<Self, Refusal> {
        let Some(upstreams) = front.upstreams() else { return Ok(Self::default()) };
        let namespace = query::value(request.query.unwrap_or_default(), NAMESPACE)
            .map_err(|_| Refusal::NamespaceInvalid)?;
        let said = match (upstreams.of_host(authority), namespace) {
            (Some(id), _) => Some((id, By::Host)),
            (None, Some(value)) => {
                let found = upstreams.of_namespace(&value).ok_or(Refusal::NamespaceUnknown)?;
                Some((found.0, By::Namespace(found.1.to_owned())))
            }
            (None, None) => None,
        };
        let mut named = Named { upstreams: Arc::clone(upstreams), said, spelling: None };
        if let Some(name) = request.endpoint.repository() {
            let read = named.read(name.as_str()).ok_or(Refusal::UpstreamUnknown)?;
            named.spelling = Some(read.spelling);
        }
        Ok(Self(Some(named)))
    }

    /// Reads how a request for a token names its repositories. `upstream` is what the path of the
    /// endpoint says, empty for nothing: a scope has the name alone, also where the request that
    /// was challenged had `ns`.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotFound`] if the path names no upstream of the front.
    pub fn of_token_request(
        front: &Front,
        authority: &[u8],
        upstream: &str,
    ) -> Result<Self, Refusal> {
        let not_found = Refusal::Request(RequestError::NotFound);
        let Some(upstreams) = front.upstreams() else {
            return if upstream.is_empty() { Ok(Self::default()) } else { Err(not_found) };
        };
        let in_path = match upstream {
            "" => None,
            name => Some((upstreams.called(name).ok_or(not_found)?, By::Realm)),
        };
        let of_host = upstreams.of_host(authority).map(|id| (id, By::Host));
        let upstreams = Arc::clone(upstreams);
        Ok(Self(Some(Named { upstreams, said: of_host.or(in_path), spelling: None })))
    }

    /// The policy's name of a repository that the client of this request writes so; `None` if it
    /// is of no upstream.
    #[must_use]
    pub fn to_policy<'n>(&self, name: &'n str) -> Option<Cow<'n, str>> {
        let Some(named) = &self.0 else { return Some(Cow::Borrowed(name)) };
        let Read { upstream, rest, spelling } = named.read(name)?;
        let library = if spelling.lacks_library { LIBRARY } else { "" };
        Some(Cow::Owned([upstream.prefix(), library, rest].concat()))
    }

    /// The name of a repository of the policy as the client of this request writes it, alike to
    /// how it writes the one it asked for; `None` if that would be another repository to this
    /// client.
    #[must_use]
    pub fn to_client<'n>(&self, name: &'n str) -> Option<Cow<'n, str>> {
        let Some(named) = &self.0 else { return Some(Cow::Borrowed(name)) };
        let Spelling { upstream, has_prefix, lacks_library } = named.spelling?;
        let prefix = named.upstreams.get(upstream)?.prefix();
        let rest = name.strip_prefix(prefix)?;
        let short =
            rest.strip_prefix(LIBRARY).filter(|short| lacks_library && !short.contains('/'));
        let prefix = if has_prefix { prefix } else { "" };
        let written = [prefix, short.unwrap_or(rest)].concat();
        // A name that begins with another upstream's prefix, for instance, would be read as its.
        (self.to_policy(&written)? == name).then_some(Cow::Owned(written))
    }

    /// The upstream of the request's repository, or what else the request names.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        let named = self.0.as_ref()?;
        let said = named.said.as_ref().map(|(id, _)| *id);
        named.upstreams.get(named.spelling.map(|spelling| spelling.upstream).or(said)?)
    }

    /// The value of `ns`, as the policy writes it, where it was what named the upstream.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match &self.0.as_ref()?.said {
            Some((_, By::Namespace(value))) => Some(value),
            _ => None,
        }
    }

    /// The upstream that a request for a token could not name by itself.
    #[must_use]
    pub fn in_realm(&self) -> Option<&str> {
        let named = self.0.as_ref()?;
        match &named.said {
            Some((id, By::Namespace(_) | By::Realm)) => {
                named.upstreams.get(*id).map(Upstream::name)
            }
            _ => None,
        }
    }

    /// Whether `ns` is between the client and the front, and no backend's to see.
    #[must_use]
    pub const fn has_upstreams(&self) -> bool {
        self.0.is_some()
    }
}

/// What a client's name says.
struct Read<'r, 'n> {
    upstream: &'r Upstream,
    /// What follows the prefix, if the client wrote it.
    rest: &'n str,
    spelling: Spelling,
}

impl Named {
    fn read<'n>(&self, name: &'n str) -> Option<Read<'_, 'n>> {
        let (id, after_prefix) = match &self.said {
            Some((id, By::Host)) => (*id, None),
            // containerd has both where its `override_path` puts the prefix into the path.
            Some((id, By::Namespace(_) | By::Realm)) => {
                (*id, self.upstreams.get(*id)?.after_prefix(name))
            }
            None => match self.upstreams.of_path(name) {
                Some((id, rest)) => (id, Some(rest)),
                None => (self.upstreams.for_unnamed()?, None),
            },
        };
        let upstream = self.upstreams.get(id)?;
        let rest = after_prefix.unwrap_or(name);
        let spelling = Spelling {
            upstream: id,
            has_prefix: after_prefix.is_some(),
            lacks_library: upstream.has_library() && !rest.contains('/'),
        };
        Some(Read { upstream, rest, spelling })
    }
}

#[cfg(test)]
mod tests;
