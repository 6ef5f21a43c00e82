//! The registries that a front stands for, as the names of images have them.

use std::collections::BTreeSet;

use super::address::Address;
use crate::config::{Front, FrontHost, Upstream, Upstreams};

/// What images of Docker Hub are called by every client, whatever they are called otherwise.
pub(super) const DOCKER_HUB: &str = "docker.io";
/// Other names of Docker Hub; clients write `docker.io` for the first, and ask the second.
const DOCKER_HUBS_OTHER_NAMES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// The registries of one front, each once, in the order of the policy.
pub(super) struct Registries<'c> {
    pub(super) all: Vec<Registry<'c>>,
    front: &'c Front,
}

/// A registry, and the upstream that stands for it.
#[derive(Clone, Copy)]
pub(super) struct Registry<'c> {
    /// `host[:port]` as images' names begin.
    pub(super) name: &'c str,
    upstream: &'c Upstream,
    upstreams: &'c Upstreams,
}

/// What can name an upstream in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// By the query parameter `ns`, which the client adds to its requests.
    Namespace,
    /// A host of the upstream's own.
    Host,
    /// The prefix before the repository's name.
    Path,
    /// Nothing: it is the front's default.
    Default,
}

/// Where a client asks for the repositories of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'c> {
    /// The host.
    pub(super) host: &'c str,
    /// What stands before the repositories' names there, without a slash at its end.
    pub(super) prefix: Option<&'c str>,
}

impl Place<'_> {
    /// `host/prefix`.
    pub(super) fn location(&self) -> String {
        [self.host, self.prefix.unwrap_or_default()].join("/").trim_end_matches('/').to_owned()
    }
}

impl<'c> Registries<'c> {
    pub(super) fn of(front: &'c Front) -> Self {
        let upstreams = front.upstreams().map(AsRef::as_ref);
        let mut seen = BTreeSet::new();
        let named = upstreams.into_iter().flat_map(|upstreams| {
            let upstreams_names = move |upstream: &'c Upstream| {
                let names = registries_of(upstream);
                names.into_iter().map(move |name| Registry { name, upstream, upstreams })
            };
            upstreams.all().iter().flat_map(upstreams_names)
        });
        Self { all: named.filter(|registry| seen.insert(registry.name)).collect(), front }
    }

    /// What a client has for each registry, and what it is told of those for which it has nothing.
    pub(super) fn told(
        &self,
        tell: impl Fn(&Registry<'c>) -> Result<String, String>,
    ) -> (Vec<String>, Vec<String>) {
        let (told, left_out): (Vec<_>, Vec<_>) = self.all.iter().map(tell).partition(Result::is_ok);
        let left_out = left_out.into_iter().filter_map(Result::err).collect();
        (told.into_iter().flatten().collect(), left_out)
    }

    /// The front's hosts that images' names can begin with, and that are not among the registries.
    pub(super) fn own_hosts(&self) -> impl Iterator<Item = &'c str> {
        let hosts = self.front.hosts().iter().map(FrontHost::as_str);
        let is_new = |host: &str| self.all.iter().all(|registry| registry.name != host);
        hosts.filter(move |host| is_registry(host) && is_new(host))
    }

    /// A sentence for each upstream that no image's name can mean.
    pub(super) fn unnamed(&self) -> Vec<String> {
        let all = self.front.upstreams().map(|all| all.all()).unwrap_or_default();
        let unnamed = all.iter().filter(|upstream| registries_of(upstream).is_empty());
        unnamed
            .map(|upstream| {
                format!(
                    "`{}` is left out: images are of a host, such as `docker.io`; write that as its \
                     `ns`",
                    upstream.name()
                )
            })
            .collect()
    }
}

impl<'c> Registry<'c> {
    /// The first of these ways by which the policy lets the registry be named; else that it is left
    /// out, and what to do about that.
    pub(super) fn place(
        &self,
        ways: &[By],
        address: &Address<'c>,
        remedy: &str,
    ) -> Result<Place<'c>, String> {
        let place = ways.iter().find_map(|by| self.place_by(*by, address));
        place.ok_or_else(|| format!("`{}` is left out: {remedy}", self.name))
    }

    fn place_by(&self, by: By, address: &Address<'c>) -> Option<Place<'c>> {
        let (upstream, upstreams) = (self.upstream, self.upstreams);
        let is_meant = |id| upstreams.get(id) == Some(upstream);
        let here = Place { host: address.host, prefix: None };
        match by {
            By::Namespace => {
                let found = upstreams.of_namespace(self.name.as_bytes());
                found.filter(|(id, _)| is_meant(*id)).map(|_| here)
            }
            By::Host => {
                let host = upstream.hosts().first().map(FrontHost::as_str)?;
                Some(Place { host, prefix: None })
            }
            By::Path => {
                let prefix = upstream.prefix().trim_end_matches('/');
                upstream.is_in_paths().then_some(Place { prefix: Some(prefix), ..here })
            }
            By::Default => upstreams.for_unnamed().filter(|id| is_meant(*id)).map(|_| here),
        }
    }

    /// The URL at which the registry itself is.
    pub(super) fn own_url(&self) -> String {
        let host = if self.name == DOCKER_HUB { "registry-1.docker.io" } else { self.name };
        format!("https://{host}")
    }
}

/// The registries that an upstream stands for: those that `ns` may say, else what its name says.
fn registries_of(upstream: &Upstream) -> Vec<&str> {
    let namespaces = upstream.namespaces().iter().map(FrontHost::as_str);
    let names: Vec<&str> = namespaces.map(usual_name).filter(|name| is_registry(name)).collect();
    let own = usual_name(upstream.name());
    if names.is_empty() && is_registry(own) { vec![own] } else { names }
}

fn usual_name(name: &str) -> &str {
    if DOCKER_HUBS_OTHER_NAMES.contains(&name) { DOCKER_HUB } else { name }
}

/// Whether the first component of an image's name would be taken for a registry. What no host has
/// could lead a path elsewhere.
fn is_registry(name: &str) -> bool {
    let is_of_hosts = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (name.contains(['.', ':']) || name == "localhost")
        && name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        && name.bytes().all(is_of_hosts)
}
