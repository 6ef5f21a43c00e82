//! Compiles credentials, auth domains, and the authentication of each front.

use crate::contract::clusters;
use std::collections::BTreeMap;

use crate::config::auth::{BackendAuth, Credential, FrontAuth, Realm, TokenService, Verifier};
use crate::config::auth_domains::{AuthDomain, AuthDomainKind, AuthDomains};
use crate::config::backend_list::{ListTable, Purpose};
use crate::config::compile::names::{Once, unknown};
use crate::config::ids::{AuthDomainId, BackendId, ListId};
use crate::config::mistake::{Mistakes, Path};
use crate::config::nearest::{join, nearest, unknown_name};
use crate::config::ordered::set;
use crate::config::wire::{
    BackendAuthWire, BackendWire, CredentialWire, FrontAuthWire, FrontWire, RuleWire,
};

/// What the checks of other parts ask about a backend.
pub(crate) struct BackendFacts {
    pub(crate) name: String,
    pub(crate) is_open: bool,
    pub(crate) is_basic: bool,
    pub(crate) credential: Option<String>,
    /// Whether the credential is none of the policy's, which is told: what follows from it is not.
    pub(crate) has_unknown_credential: bool,
    /// Who accepts what clients send; `None` if nothing of a client's is sent.
    pub(crate) auth_domain: Option<AuthDomainId>,
}

/// What identifies an auth domain.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Service(Option<Realm>, Option<String>, Option<String>),
    Users(String),
}

#[inline(never)]
pub(crate) fn credentials(
    wire: Option<Vec<CredentialWire>>,
    mistakes: &Mistakes,
) -> Vec<Credential> {
    let root = Path::Root.key("credentials");
    let mut files = Once::new(mistakes);
    let mut all = Vec::new();
    for CredentialWire { name, file } in wire.into_iter().flatten() {
        let file = file.unwrap_or_default();
        let path = root.key(&name);
        if !file.is_empty() {
            files.claim(file.clone(), &name, &format!("the file `{file}`"), &path.key("file"));
        }
        all.push(Credential { name, file });
    }
    all
}

/// The facts of every backend by its id, and the auth domains among them.
#[inline(never)]
pub(crate) fn facts(
    wire: Option<&[BackendWire]>,
    credentials: &[Credential],
    mistakes: &Mistakes,
) -> (Vec<BackendFacts>, AuthDomains) {
    let wire = wire.unwrap_or_default();
    let mut ids: BTreeMap<Key, AuthDomainId> = BTreeMap::new();
    let mut auth_domains = AuthDomains::default();
    let mut all = Vec::with_capacity(wire.len());
    for (backend, id) in wire.iter().zip((0..).map(BackendId::new)) {
        let has_unknown_credential = !check_credential(backend, credentials, mistakes);
        let auth_domain = key(backend).map(|key| {
            let kind = match key {
                Key::Service(..) => AuthDomainKind::Token,
                Key::Users(_) => AuthDomainKind::Basic,
            };
            *ids.entry(key).or_insert_with(|| {
                auth_domains.0.push(AuthDomain { backend: id, kind });
                AuthDomainId::new(
                    u32::try_from(auth_domains.0.len()).unwrap_or(0).saturating_sub(1),
                )
            })
        });
        all.push(BackendFacts {
            name: backend.name.clone(),
            is_open: matches!(backend.auth, BackendAuthWire::Open),
            is_basic: matches!(backend.auth, BackendAuthWire::Basic { .. }),
            credential: backend.credential.clone(),
            has_unknown_credential,
            auth_domain,
        });
    }
    (all, auth_domains)
}

/// A service whose URL is not known yet is told apart by its backend: what two registries will say
/// of themselves cannot be known to be the same.
fn key(backend: &BackendWire) -> Option<Key> {
    match &backend.auth {
        BackendAuthWire::Open => None,
        BackendAuthWire::Token { realm, service, .. } => {
            let own = realm.is_none().then(|| backend.name.clone());
            Some(Key::Service(realm.clone(), service.clone(), own))
        }
        // The proxy sends its own password; nothing of a client's.
        BackendAuthWire::Basic { .. } if backend.credential.is_some() => None,
        BackendAuthWire::Basic { label } => {
            Some(Key::Users(label.as_ref().unwrap_or(&backend.name).clone()))
        }
    }
}

/// What to say of a credential that the policy does not have. It is quoted where it is nearly the
/// name of one: whoever takes the field for the place of the secret itself must not find that in a
/// log.
fn unknown_credential(name: &str, known: &[&str]) -> String {
    match known {
        _ if nearest(name, known.iter().copied()).is_some() => {
            unknown_name("credential", name, known)
        }
        [] => {
            "there is no credential of this name; write its file under `credentials`, and its name \
               here"
                .to_owned()
        }
        _ => format!("there is no credential of this name; the names are {}", join(known)),
    }
}

/// Whether the credential is one of the policy's, if the backend names one.
fn check_credential(backend: &BackendWire, known: &[Credential], mistakes: &Mistakes) -> bool {
    let root = Path::Root.key("backends");
    let path = root.key(&backend.name);
    let Some(name) = &backend.credential else { return true };
    let is_known = known.iter().any(|credential| credential.name == *name);
    if !is_known {
        let names: Vec<&str> = known.iter().map(Credential::name).collect();
        let message = unknown_credential(name, &names);
        mistakes.add(&path.key("credential"), message);
    }
    if matches!(backend.auth, BackendAuthWire::Open) {
        let message = "is sent to nobody: the backend has no `auth`; write `auth: token` or \
             `auth: basic`";
        mistakes.add(&path.key("credential"), message);
    }
    is_known
}

pub(crate) fn backend_auth(wire: BackendAuthWire, name: &str) -> BackendAuth {
    match wire {
        BackendAuthWire::Open => BackendAuth::Open,
        BackendAuthWire::Basic { label } => {
            BackendAuth::Basic { label: label.unwrap_or_else(|| name.to_owned()) }
        }
        BackendAuthWire::Token { realm, service, cluster } => BackendAuth::Token(TokenService {
            realm,
            service,
            cluster: cluster.unwrap_or_else(|| clusters::token_service(name)),
        }),
    }
}

/// What the fronts may refer to.
pub(crate) struct Scope<'a> {
    pub(crate) backends: &'a BTreeMap<&'a str, u32>,
    pub(crate) facts: &'a [BackendFacts],
    pub(crate) auth_domains: &'a AuthDomains,
    /// All rules: what a front asks of clients follows from those that are for its own.
    pub(crate) rules: &'a [RuleWire],
    pub(crate) mistakes: &'a Mistakes,
}

impl Scope<'_> {
    /// How the clients of one front prove who they are; without mistakes it is what was written.
    #[inline(never)]
    pub(crate) fn front_auth(
        &self,
        front: &FrontWire,
        table: &mut ListTable,
        path: &Path<'_>,
    ) -> FrontAuth {
        match &front.auth {
            None | Some(FrontAuthWire::Managed) => FrontAuth::Managed,
            Some(FrontAuthWire::Basic { verifier, cluster }) => match verifier {
                None => FrontAuth::Managed,
                Some(url) => FrontAuth::Basic(Verifier {
                    url: url.clone(),
                    cluster: cluster.clone().unwrap_or_else(|| clusters::verifier(&front.name)),
                }),
            },
            Some(FrontAuthWire::Upstream { login }) => {
                let auth_domains = self.auth_domains_of(front);
                self.check_kinds(&auth_domains, path);
                let login = match login {
                    Some(name) => self.named_login(name, path),
                    None => self.only_login(&auth_domains, path),
                };
                let login = login.unwrap_or(BackendId::new(0));
                let own = self.auth_domain(login).map_or(AuthDomainKind::Token, |own| own.kind);
                let list = table.id(Purpose::Read, vec![login]);
                FrontAuth::Upstream { login, list, kind: own }
            }
        }
    }

    /// The list of the backend whose catalogue is a front's.
    #[inline(never)]
    pub(crate) fn catalog(
        &self,
        front: &FrontWire,
        table: &mut ListTable,
        path: &Path<'_>,
    ) -> Option<ListId> {
        let name = front.catalog.as_ref()?;
        let Some(id) = self.backends.get(name.as_str()).copied().map(BackendId::new) else {
            // That there are none at all is one mistake, not one for each name.
            if !self.backends.is_empty() {
                self.mistakes.add(path, unknown("backend", name, self.backends));
            }
            return None;
        };
        let facts = self.facts.get(id.index());
        let is_open = matches!(front.auth, None | Some(FrontAuthWire::Managed));
        if is_open && facts.is_some_and(|facts| facts.credential.is_some()) {
            let message = format!(
                "would show anyone the names of all that the proxy may see of `{name}`; give the \
                 front `auth: {{basic: {{verifier: URL}}}}`, or leave `catalog` out"
            );
            self.mistakes.add(path, message);
        }
        Some(table.id(Purpose::Read, vec![id]))
    }

    /// Who accepts what clients of a front send, by the rules that are for them; all auth domains
    /// where no rule is.
    fn auth_domains_of(&self, front: &FrontWire) -> Vec<AuthDomain> {
        let is_for = |rule: &&RuleWire| {
            rule.fronts.as_ref().is_none_or(|fronts| fronts.contains(&front.name))
        };
        let mut own = self.rules.iter().filter(is_for).peekable();
        if own.peek().is_none() {
            return self.auth_domains.all().to_vec();
        }
        let members = own.flat_map(RuleWire::members).chain(front.catalog.as_deref());
        let ids = members.filter_map(|name| self.backends.get(name).copied().map(BackendId::new));
        let facts = ids.filter_map(|id| self.facts.get(id.index()));
        let auth_domains = set(facts.filter_map(|facts| facts.auth_domain));
        auth_domains.into_iter().filter_map(|id| self.auth_domains.get(id)).collect()
    }

    fn auth_domain(&self, backend: BackendId) -> Option<AuthDomain> {
        self.auth_domains.get(self.facts.get(backend.index())?.auth_domain?)
    }

    /// Clients take one kind of challenge from a host, the one of its `/v2/`.
    fn check_kinds(&self, auth_domains: &[AuthDomain], path: &Path<'_>) {
        let of = |kind| auth_domains.iter().find(move |auth_domain| auth_domain.kind == kind);
        let name = |auth_domain: &AuthDomain| {
            self.facts.get(auth_domain.backend.index()).map_or("", |facts| &facts.name)
        };
        if let (Some(token), Some(basic)) = (of(AuthDomainKind::Token), of(AuthDomainKind::Basic)) {
            let message = format!(
                "clients cannot log in to `{}` with tokens and to `{}` with a password through \
                 one front; give the latter a `credential` of the proxy's own, or write \
                 `auth: managed`",
                name(token),
                name(basic)
            );
            self.mistakes.add(path, message);
        }
    }

    fn named_login(&self, name: &str, path: &Path<'_>) -> Option<BackendId> {
        let id = self.backends.get(name).copied().map(BackendId::new);
        let takes = |id: &BackendId| {
            self.facts.get(id.index()).is_some_and(|facts| facts.auth_domain.is_some())
        };
        if let Some(id) = id.filter(takes) {
            return Some(id);
        }
        let message = format!(
            "no client can log in to `{name}`; write a backend with `auth: token` or `auth: basic` \
             and without a credential of the proxy's own for it"
        );
        self.mistakes.add(path, message);
        None
    }

    fn only_login(&self, auth_domains: &[AuthDomain], path: &Path<'_>) -> Option<BackendId> {
        match auth_domains {
            [only] => return Some(only.backend),
            [] => self.mistakes.add(
                path,
                "no backend of its rules wants anything of clients; write `auth: token` or `auth: basic` at \
                 those that do, or `auth: managed` here",
            ),
            several => {
                let ids = several.iter().filter_map(|each| self.facts.get(each.backend.index()));
                let names: Vec<&str> = ids.map(|facts| facts.name.as_str()).collect();
                let message = format!(
                    "who answers a login that names no repository? write `auth: {{upstream: \
                     {{login: BACKEND}}}}` with one of {}",
                    join(&names)
                );
                self.mistakes.add(path, message);
            }
        }
        None
    }
}
