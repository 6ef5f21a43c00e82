//! The registries that a front stands for, and how clients name them.

pub(crate) mod compile;
pub(crate) mod own_backends;
pub(crate) mod wire;

use std::collections::BTreeMap;

use crate::config::front::host::FrontHost;
use crate::config::ids::UpstreamId;

/// What to write where names for `ns` are expected.
pub(crate) const WANTED_NAMESPACES: &str =
    "a list of registries as image names have them, such as `docker.io` or `registry.example:5000`";

/// A registry that clients name.
///
/// Rules and backends see one name of a repository, however a client wrote it: the prefix, and
/// what the client calls the repository at that registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) hosts: Vec<FrontHost>,
    pub(crate) namespaces: Vec<FrontHost>,
    pub(crate) completes_library: bool,
    pub(crate) path: bool,
}

impl Upstream {
    /// Its name in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands before its repositories' names in the policy: empty, or ends with a slash.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The hosts that name it; they are hosts of its front as well.
    #[must_use]
    pub fn hosts(&self) -> &[FrontHost] {
        &self.hosts
    }

    /// The values of `ns` that name it.
    #[must_use]
    pub fn namespaces(&self) -> &[FrontHost] {
        &self.namespaces
    }

    /// Whether a name of one component lacks `library/`, as Docker Hub's official images do.
    #[must_use]
    pub const fn has_library(&self) -> bool {
        self.completes_library
    }

    /// Whether the prefix in a client's name names it.
    #[must_use]
    pub const fn is_in_paths(&self) -> bool {
        self.path
    }

    /// What follows the prefix in a client's name; `None` if the name does not begin with it, or
    /// clients do not write it.
    #[must_use]
    pub fn after_prefix<'n>(&self, name: &'n str) -> Option<&'n str> {
        let rest = name.strip_prefix(self.prefix.as_str()).filter(|rest| !rest.is_empty());
        rest.filter(|_| self.path)
    }
}

/// All registries of one front. Every lookup is closed: what the policy does not name is not found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstreams {
    pub(crate) list: Vec<Upstream>,
    pub(crate) by_host: BTreeMap<FrontHost, UpstreamId>,
    pub(crate) by_namespace: BTreeMap<FrontHost, UpstreamId>,
    pub(crate) default: Option<UpstreamId>,
}

impl Upstreams {
    /// All of them in the order of the policy.
    #[must_use]
    pub fn all(&self) -> &[Upstream] {
        &self.list
    }

    /// One by its id.
    #[must_use]
    pub fn get(&self, id: UpstreamId) -> Option<&Upstream> {
        self.list.get(id.index())
    }

    /// The one that is meant by a request that names none.
    #[must_use]
    pub const fn for_unnamed(&self) -> Option<UpstreamId> {
        self.default
    }

    /// The one with this name in the policy.
    #[must_use]
    pub fn called(&self, name: &str) -> Option<UpstreamId> {
        self.ids().find(|(_, upstream)| upstream.name == name).map(|(id, _)| id)
    }

    /// The one that a request's authority names.
    #[must_use]
    pub fn of_host(&self, authority: &[u8]) -> Option<UpstreamId> {
        self.by_host.get(&FrontHost::of_authority(authority)?).copied()
    }

    /// The one that a value of `ns` names, and that value as the policy writes it. It may have a
    /// port, and is read as an authority is: any case, default ports and a last dot do not count.
    #[must_use]
    pub fn of_namespace(&self, value: &[u8]) -> Option<(UpstreamId, &str)> {
        let found = self.by_namespace.get_key_value(&FrontHost::of_authority(value)?);
        found.map(|(written, id)| (*id, written.as_str()))
    }

    /// The one whose prefix a client's name begins with, and what follows it. There is at most one:
    /// no prefix is the beginning of another.
    #[must_use]
    pub fn of_path<'n>(&self, name: &'n str) -> Option<(UpstreamId, &'n str)> {
        self.ids().find_map(|(id, upstream)| Some((id, upstream.after_prefix(name)?)))
    }

    fn ids(&self) -> impl Iterator<Item = (UpstreamId, &Upstream)> {
        (0..).map(UpstreamId::new).zip(&self.list)
    }
}
