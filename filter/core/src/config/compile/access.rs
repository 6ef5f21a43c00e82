//! Readers and writers of rules that use credentials of the proxy; tokens of two auth domains never
//! meet.

use crate::config::auth::{FrontAuth, Readers};
use crate::config::compile::auth::BackendFacts;
use crate::config::front::{Front, Fronts};
use crate::config::ids::{AuthDomainId, BackendId, FrontId};
use crate::config::mistake::{Mistakes, Path};

/// Which kinds of fronts the clients of a rule come to.
#[derive(Clone, Copy)]
pub(crate) struct FrontKinds {
    pub(crate) upstream: bool,
    pub(crate) managed: bool,
    pub(crate) basic: bool,
}

impl FrontKinds {
    /// `None` are all of them.
    pub(crate) fn of(fronts: &Fronts, only: Option<&[FrontId]>) -> Self {
        let is_meant = |front: &&Front| only.is_none_or(|only| only.contains(&front.id()));
        let any = |is: fn(&FrontAuth) -> bool| {
            fronts.all().iter().filter(is_meant).any(|front| is(front.auth()))
        };
        Self {
            upstream: any(|auth| matches!(auth, FrontAuth::Upstream { .. })),
            managed: any(|auth| matches!(auth, FrontAuth::Managed)),
            basic: any(|auth| matches!(auth, FrontAuth::Basic(_))),
        }
    }

    /// Whether requests through some front carry the credential of this backend.
    fn uses(self, backend: &BackendFacts) -> Option<&str> {
        let used = self.managed || self.basic || backend.is_basic;
        backend.credential.as_deref().filter(|_| used)
    }
}

/// What a rule says about access, resolved.
pub(crate) struct RuleAccess<'a> {
    /// Whose clients it is for.
    pub(crate) kinds: FrontKinds,
    /// The region's name and the backends of its chain.
    pub(crate) chains: Vec<(&'a str, Vec<BackendId>)>,
    pub(crate) owner: Option<BackendId>,
    pub(crate) readers: Option<&'a Readers>,
    pub(crate) writers: bool,
    /// Whether the rule is about every repository there is.
    pub(crate) everything: bool,
}

pub(crate) struct Checks<'a> {
    pub(crate) fronts: &'a Fronts,
    pub(crate) facts: &'a [BackendFacts],
    pub(crate) mistakes: &'a Mistakes,
}

impl Checks<'_> {
    pub(crate) fn rule(&self, rule: &RuleAccess<'_>, path: &Path<'_>) {
        if self.names_an_unknown_credential(rule) {
            return;
        }
        self.readers(rule, path);
        self.writers(rule, path);
        if rule.kinds.upstream {
            self.one_auth_domain(rule, path);
        }
    }

    /// What a backend may do with a credential that is not there is not known.
    fn names_an_unknown_credential(&self, rule: &RuleAccess<'_>) -> bool {
        let members = rule.chains.iter().flat_map(|(_, members)| members).chain(&rule.owner);
        members.filter_map(|id| self.fact(*id)).any(|backend| backend.has_unknown_credential)
    }

    fn fact(&self, id: BackendId) -> Option<&BackendFacts> {
        self.facts.get(id.index())
    }

    /// Nothing becomes public because somebody forgot to say who may read it.
    fn readers(&self, rule: &RuleAccess<'_>, path: &Path<'_>) {
        let members = rule.chains.iter().flat_map(|(_, members)| members).chain(&rule.owner);
        let used = members
            .filter_map(|id| self.fact(*id))
            .find_map(|backend| Some((backend.name.as_str(), rule.kinds.uses(backend)?)));
        let readers = path.key("readers");
        match (used, rule.readers) {
            (Some((backend, credential)), None) => {
                let message = format!(
                    "reads from `{backend}` with the proxy's credential `{credential}`, so it has \
                     to say for whom; write `readers: authenticated`, `readers: {{networks: \
                     [LABEL]}}` or, if all that the credential may read here is public, `readers: \
                     anyone`"
                );
                self.mistakes.add(path, message);
            }
            (Some((_, credential)), Some(Readers::Anyone)) if rule.everything => {
                let message = format!(
                    "`**` would show anyone all that the credential `{credential}` may read; name \
                     the repositories, such as `acme/**`"
                );
                self.mistakes.add(&path.key("repositories"), message);
            }
            (_, Some(Readers::Authenticated)) if !rule.kinds.basic => {
                let message = "nobody can prove to the proxy who they are; give a front `auth: \
                     {basic: {verifier: URL}}`, or write `readers: {networks: [LABEL]}`";
                self.mistakes.add(&readers, message);
            }
            _ => {}
        }
    }

    fn writers(&self, rule: &RuleAccess<'_>, path: &Path<'_>) {
        let owner = rule.owner.and_then(|id| self.fact(id));
        let credential = owner.and_then(|owner| rule.kinds.uses(owner));
        let writers = path.key("writers");
        match (owner, credential, rule.writers) {
            (Some(owner), Some(credential), false) => {
                let message = format!(
                    "pushes to `{}` would be made with the proxy's credential `{credential}`; write \
                     `writers: authenticated`, or leave `owner` out for pull-only",
                    owner.name
                );
                self.mistakes.add(path, message);
            }
            (Some(owner), None, false)
                if !owner.is_open && (rule.kinds.managed || rule.kinds.basic) =>
            {
                let message = format!(
                    "the proxy has no credential for pushes to `{}`; write one there and `writers: \
                     authenticated` here, leave `owner` out for pull-only, or let clients log in \
                     with `auth: upstream` at the front",
                    owner.name
                );
                self.mistakes.add(path, message);
            }
            (Some(owner), None, true)
                if owner.is_open && (rule.kinds.managed || rule.kinds.upstream) =>
            {
                let message = format!(
                    "`{}` takes pushes from everybody, and only a front with `auth: {{basic: …}}` \
                     asks who they are; leave `owner` out for pull-only, or write such a front in \
                     `fronts`",
                    owner.name
                );
                self.mistakes.add(&writers, message);
            }
            (Some(_), None, true) => {
                let message = "no credential of the proxy's is used for pushes, and clients have to \
                     prove who they are without this; leave `writers` out";
                self.mistakes.add(&writers, message);
            }
            (None, _, true) => {
                let message =
                    "nobody can push, because the rule has no `owner`; leave `writers` out";
                self.mistakes.add(&writers, message);
            }
            (_, _, true) if !rule.kinds.basic => {
                let message = "nobody can prove to the proxy who they are; give a front `auth: \
                     {basic: {verifier: URL}}`";
                self.mistakes.add(&writers, message);
            }
            _ => {}
        }
    }

    /// Several clients read the challenge of `/v2/` only: a second auth domain's 401 would be an
    /// error that they cannot answer, in place of the outage or the miss that it was.
    fn one_auth_domain(&self, rule: &RuleAccess<'_>, path: &Path<'_>) {
        let chains = path.key("chains");
        for (region, members) in &rule.chains {
            let everybody = members.iter().chain(&rule.owner);
            let mut first: Option<(&str, AuthDomainId)> = None;
            for backend in everybody.filter_map(|id| self.fact(*id)) {
                let Some(auth_domain) = backend.auth_domain else { continue };
                match first {
                    None => first = Some((&backend.name, auth_domain)),
                    Some((_, known)) if known == auth_domain => {}
                    Some((name, _)) => {
                        let message = format!(
                            "clients log in to `{name}` and to `{}` at different places, and a \
                             client's token is good for one; write backends of one token service, \
                             or `auth: managed` at the front, where the proxy holds the tokens",
                            backend.name
                        );
                        self.mistakes.add(&chains.key(region), message);
                        break;
                    }
                }
            }
        }
    }
}
