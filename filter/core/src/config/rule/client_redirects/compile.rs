//! Compiles client redirects, and checks that a redirected client can be served at the destination.

use crate::config::auth::Readers;
use crate::config::compile::access::FrontKinds;
use crate::config::compile::auth::BackendFacts;
use crate::config::compile::names::unknown;
use crate::config::compile::regions::labels_meant;
use crate::config::compile::scope::Scope;
use crate::config::ids::{BackendId, LabelId, StoreId};
use crate::config::mistake::Path;
use crate::config::rule::client_redirects::ClientRedirects;
use crate::config::wire::{ClientRedirectsWire, PerRegion};

/// What else the rule says that a redirect must fit.
pub(crate) struct Around<'a> {
    /// Everybody whom a request of the rule may go to.
    pub(crate) members: Vec<BackendId>,
    pub(crate) readers: Option<&'a Readers>,
    pub(crate) kinds: FrontKinds,
}

impl Scope<'_> {
    /// Compiles `client_redirects` of a rule; `path` is its own.
    #[inline(never)]
    pub(crate) fn client_redirects(
        &self,
        wire: ClientRedirectsWire,
        around: &Around<'_>,
        path: &Path<'_>,
    ) -> ClientRedirects {
        let classes = wire.classes.unwrap_or(PerRegion::All(Vec::new()));
        let stores = wire.stores.unwrap_or(PerRegion::All(None));
        let (names_classes, names_stores) =
            (classes.any(|classes| !classes.is_empty()), stores.any(Option::is_some));
        let stores = self.resolve(stores, &path.key("stores"));
        let by_region = self.regions.spread(&classes, &path.key("classes"), self.mistakes);
        let compiled = ClientRedirects {
            classes: by_region
                .into_iter()
                .map(|classes| classes.into_iter().flatten().collect())
                .collect(),
            stores: self.regions.spread(&stores, &path.key("stores"), self.mistakes),
            kept: self.kept(&wire.keep, &path.key("keep")),
        };
        let sends_to_backends = compiled.sends_to_backends();
        let sends_to_stores = compiled.stores.iter().any(Option::is_some);
        if !names_classes && !names_stores {
            let message = "sends nobody anywhere; write `classes`, `stores` or both, or leave \
                 `client_redirects` out";
            self.mistakes.add(path, message);
        }
        if !wire.keep.is_empty() && !names_stores {
            let message = "keeps clients from blob stores, and none is named in `stores`";
            self.mistakes.add(&path.key("keep"), message);
        }
        self.check_readers(around, path);
        self.check_members(around, (sends_to_backends, sends_to_stores), path);
        compiled
    }

    /// The ids of the stores; an unknown one has its mistake and is none.
    fn resolve(
        &self,
        stores: PerRegion<Option<String>>,
        path: &Path<'_>,
    ) -> PerRegion<Option<StoreId>> {
        match stores {
            PerRegion::All(name) => PerRegion::All(self.store(name.as_deref(), path)),
            PerRegion::Each(each) => {
                let id = |(region, name): (String, Option<String>)| {
                    let store = self.store(name.as_deref(), &path.key(&region));
                    (region, store)
                };
                PerRegion::Each(each.into_iter().map(id).collect())
            }
        }
    }

    fn store(&self, name: Option<&str>, path: &Path<'_>) -> Option<StoreId> {
        // An empty name is a value that could not be read; it has its own mistake.
        let name = name.filter(|name| !name.is_empty())?;
        let id = self.stores.get(name).copied().map(StoreId::new);
        if id.is_none() && self.stores.is_empty() {
            let message = format!("there is no blob store `{name}`; write it under `blob_stores`");
            self.mistakes.add(path, message);
        } else if id.is_none() {
            self.mistakes.add(path, unknown("blob store", name, self.stores));
        }
        id
    }

    fn kept(&self, patterns: &[String], path: &Path<'_>) -> Vec<LabelId> {
        let known = || self.labels.keys().copied();
        let meant = patterns.iter().enumerate().flat_map(|(index, pattern)| {
            labels_meant(pattern, known(), &path.item(index), self.mistakes)
        });
        meant.filter_map(|label| self.labels.get(label).copied().map(LabelId::new)).collect()
    }

    /// What a client is sent to asks nobody who they are.
    fn check_readers(&self, around: &Around<'_>, path: &Path<'_>) {
        let limit = match around.readers {
            Some(Readers::Authenticated | Readers::Networks(_)) => {
                "`readers` lets only some in; leave `client_redirects` out"
            }
            None if around.kinds.basic => {
                "a front asks for passwords; leave `client_redirects` out, or write `readers: anyone` if \
                 everybody may have it"
            }
            Some(Readers::Anyone) | None => return,
        };
        let message = format!(
            "sends clients to where the content is, which is open to everybody who knows the URL, and \
             {limit}"
        );
        self.mistakes.add(path, message);
    }

    /// One mistake is enough: what is said of one backend is true of the next.
    fn check_members(
        &self,
        around: &Around<'_>,
        (sends_to_backends, sends_to_stores): (bool, bool),
        path: &Path<'_>,
    ) {
        let facts = around.members.iter().filter_map(|id| self.access.facts.get(id.index()));
        let found = facts
            .filter(|_| sends_to_backends || sends_to_stores)
            .find_map(|backend| why_not(backend, around.kinds, sends_to_backends));
        if let Some(message) = found {
            self.mistakes.add(path, message);
        }
    }
}

/// Why clients cannot be sent away where this backend is a member.
fn why_not(backend: &BackendFacts, kinds: FrontKinds, sends_to_backends: bool) -> Option<String> {
    let BackendFacts { name, is_open, credential, auth_domain, .. } = backend;
    if let Some(credential) = credential {
        return Some(format!(
            "sends clients away from `{name}`, which the proxy reads with its own credential \
             `{credential}`: a client that is sent there has none, and could not log in; leave \
             `client_redirects` out, so that the proxy carries the content"
        ));
    }
    if sends_to_backends && !is_open {
        return Some(format!(
            "sends clients to `{name}`, which wants to see a token or a password (`auth`): clients \
             show what they have to this host and not to the one that they are sent to; leave \
             `classes` out, so that the proxy carries the content"
        ));
    }
    (kinds.upstream && auth_domain.is_some()).then(|| {
        format!(
            "would give blobs to everybody while `{name}` asks clients who they are; leave \
             `stores` out"
        )
    })
}

impl<T> PerRegion<T> {
    pub(crate) fn any(&self, is: fn(&T) -> bool) -> bool {
        match self {
            Self::All(value) => is(value),
            Self::Each(each) => each.iter().any(|(_, value)| is(value)),
        }
    }
}
