//! The auth domain of a client's request for a token, and the scope that its token service is asked
//! for.
//!
//! A token is worth something only where the data request will go, so both are decided alike: by
//! the repository's rule and the client's region.

use std::borrow::Cow;

use super::naming::Naming;
use crate::challenge::{Scope, ScopeEntry, ScopeList};
use crate::client::Locality;
use crate::config::ids::{AuthDomainId, BackendId, FrontId};
use crate::config::{Backend, BackendList, Config, Rule};
use crate::grammar::RepositoryName;

/// What is asked of which token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope {
    /// Whose tokens they are.
    pub auth_domain: AuthDomainId,
    /// The entries, by the names that the backends know; none for a login.
    pub scopes: Vec<String>,
}

/// Decides a request for a token. The first entry whose auth domain is known decides; entries of
/// others are left out, which is legal: the token "may represent a subset of the requested scope"
/// ("Token Authentication Specification"). Without any, `login` is asked. `None` if nobody mints
/// tokens at all.
#[must_use]
pub fn token_scope(
    config: &Config,
    (front, login): (FrontId, BackendId),
    locality: &Locality,
    naming: &Naming,
    requested: &[String],
) -> Option<TokenScope> {
    let login = config.backend(login).and_then(Backend::auth_domain)?;
    let list = ScopeList::parse(requested.iter().map(String::as_str)).unwrap_or_default();
    let owner_of = |entry: &ScopeEntry<'_>| match entry {
        ScopeEntry::Scope(scope) => {
            Place::of(config, front, locality, naming, scope).map(|place| place.auth_domain)
        }
        ScopeEntry::Opaque(_) => None,
    };
    let auth_domain = list.entries().iter().find_map(owner_of).unwrap_or(login);
    let mapped = list.into_iter().flat_map(|entry| match entry {
        ScopeEntry::Scope(scope) if scope.repository().is_some() => {
            Place::of(config, front, locality, naming, &scope)
                .filter(|place| place.auth_domain == auth_domain)
                .map(|place| place.at_backends(config, &scope))
                .unwrap_or_default()
        }
        // What is not about a repository is the business of whom clients log in to. What is no
        // scope at all is taken apart differently by different servers.
        ScopeEntry::Scope(other) if auth_domain == login => vec![other.to_string()],
        _ => Vec::new(),
    });
    let mapped: Vec<String> = mapped.collect();
    let merged = ScopeList::parse(mapped.iter().map(String::as_str)).unwrap_or_default().merged();
    let scopes = merged.entries().iter().map(ToString::to_string).collect();
    Some(TokenScope { auth_domain, scopes })
}

/// Where the data requests of a scope go.
struct Place<'c, 's> {
    /// The policy's name of the repository.
    name: Cow<'s, str>,
    rule: &'c Rule,
    auth_domain: AuthDomainId,
    members: Vec<&'c Backend>,
}

impl<'c, 's> Place<'c, 's> {
    fn of(
        config: &'c Config,
        front: FrontId,
        locality: &Locality,
        naming: &Naming,
        scope: &'s Scope<'_>,
    ) -> Option<Self> {
        // What no repository can be called belongs to none: it would go into the services' own
        // parsers.
        let written = RepositoryName::parse(scope.repository()?.as_bytes())?;
        let name = naming.to_policy(written.as_str())?;
        let rule = config.rules().find(front, &name).and_then(|id| config.rules().get(id))?;
        let lists = rule.chain(locality.region)?.lists(&name);
        let owner = rule.owner().map(|owner| owner.list);
        let lists = [Some(lists.digests), Some(lists.tags), owner, rule.signatures()];
        let lists = lists.into_iter().flatten().filter_map(|id| config.list(id));
        let members: Vec<&Backend> =
            lists.flat_map(BackendList::backends).filter_map(|id| config.backend(*id)).collect();
        let auth_domain = members.iter().find_map(|backend| backend.auth_domain())?;
        Some(Self { name, rule, auth_domain, members })
    }

    /// The scope by the name of each backend of the auth domain. Some registries refuse an
    /// anonymous client who asks for more than `pull` altogether, so where nothing can be pushed,
    /// nothing else is asked for.
    fn at_backends(&self, config: &Config, scope: &Scope<'_>) -> Vec<String> {
        debug_assert!(config.auth_domains().get(self.auth_domain).is_some());
        let pull_only =
            self.rule.owner().is_none() && scope.actions().any(|action| action == "pull");
        let scope = if pull_only { scope.with_actions(&["pull"]) } else { scope.clone() };
        let own =
            self.members.iter().filter(|backend| backend.auth_domain() == Some(self.auth_domain));
        let named = |backend: &&Backend| {
            scope.with_name(&backend.names().to_backend(&self.name)).to_string()
        };
        own.map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Region, Rule};

    use super::*;
    use crate::client::Why;

    fn policy() -> Policy {
        Policy::new()
            .front("main", Front::at(["r.example"]).logins_of("ghcr"))
            .backend("ghcr", Backend::at("https://ghcr.io").tokens().names("drycc/", "acme/"))
            .backend(
                "hub",
                Backend::at("https://hub.example")
                    .tokens_of("https://auth.example/token", "hub")
                    .names("hub/", ""),
            )
            .backend(
                "mirror",
                Backend::at("https://mirror.example")
                    .tokens_of("https://auth.example/token", "hub")
                    .names("hub/", "cache/"),
            )
            .backend("open", Backend::at("http://open.example"))
            .region("cn", Region::countries(["CN"]))
            .rule(Rule::of("drycc").owner("ghcr").chain(["open", "ghcr"]))
            .rule(Rule::of("hub").chain_of("cn", ["mirror", "hub"]).chain(["hub"]))
            .rule(Rule::of("open").chain(["open"]))
    }

    fn run(region: &str, scopes: &str) -> String {
        let config = policy().read_by(Config::from_json);
        let name = |id: &_| config.regions().name(*id) == region;
        let locality = Locality {
            region: config.regions().ids().find(name).unwrap(),
            label: None,
            country: None,
            why: Why::Default,
        };
        let requested: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
        let at = (FrontId::new(0), BackendId::new(0));
        let found = token_scope(&config, at, &locality, &Naming::default(), &requested).unwrap();
        let backend = config.auth_domains().get(found.auth_domain).unwrap().backend;
        let name = config.backend(backend).unwrap().name();
        [name]
            .into_iter()
            .chain(found.scopes.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn the_repository_decides_which_token_service_is_asked() {
        #[rustfmt::skip]
        let rows = [
            ("default", "", "ghcr", "a login"),
            ("default", "repository:drycc/a:pull", "ghcr repository:acme/a:pull", "mapped"),
            ("default", "repository:drycc/a:push,pull repository:drycc/b:pull", "ghcr repository:acme/a:push,pull repository:acme/b:pull", "a push with a mount"),
            ("default", "repository:drycc/a:pull repository:drycc/a:pull,push", "ghcr repository:acme/a:pull,push", "asked twice"),
            ("default", "repository:hub/a:pull,push", "hub repository:a:pull", "pull-only here"),
            ("default", "repository:hub/a:push", "hub repository:a:push", "refused by the front later"),
            ("cn", "repository:hub/a:pull", "hub repository:cache/a:pull repository:a:pull", "each backend of the chain by its own name"),
            ("default", "repository:hub/a:pull repository:drycc/a:pull", "hub repository:a:pull", "scopes of another auth domain are left out"),
            ("default", "repository:drycc/a:pull repository:hub/a:pull", "ghcr repository:acme/a:pull", "the first decides"),
            ("default", "repository:open/a:pull repository:hub/a:pull", "hub repository:a:pull", "nobody's do not"),
            ("default", "repository:open/a:pull", "ghcr", "open repositories need no scope"),
            ("default", "repository:nobody/a:pull", "ghcr", "nor do unknown ones"),
            ("default", "registry:catalog:* repository:drycc/a:*", "ghcr registry:catalog:* repository:acme/a:*", "other types go to the login"),
            ("default", "registry:catalog:* repository:hub/a:*", "hub repository:a:*", "and to nobody else"),
            ("default", "repository(plugin):drycc/a:pull", "ghcr repository(plugin):acme/a:pull", "with a class"),
            ("default", "junk", "ghcr", "not a scope at all"),
            ("default", "repository:drycc/A:pull", "ghcr", "no repository has upper case"),
            ("default", "repository:drycc/../a:pull", "ghcr", "nor dots alone"),
            ("default", "repository:drycc//a:pull", "ghcr", "nor an empty part"),
            ("default", "repository:drycc/a%2Fb:pull", "ghcr", "nor escapes"),
            ("default", "repository:r.example:443/drycc/a:pull", "ghcr", "nor a port"),
            ("default", "repository:drycc/a?x=y&scope=z:pull repository:drycc/b:pull", "ghcr repository:acme/b:pull", "nor a query"),
        ];
        for (region, scopes, expected, reason) in rows {
            assert_eq!(run(region, scopes), expected, "{scopes}: {reason}");
        }
    }
}
