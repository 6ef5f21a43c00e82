//! The backends that may answer for a tag, and the name of the image at each.

use portolan_core::config::ids::{BackendId, FrontId};
use portolan_core::config::{Backend, BackendList, Config, Front, Rule};
use portolan_registry_client::image_name::ImageName;

/// An image, and the backends that a client may get its tag from.
#[derive(Debug)]
pub(crate) struct Replicas<'c> {
    /// By the policy's name.
    pub(crate) image: ImageName,
    /// The rule that it is under.
    pub(crate) rule: &'c str,
    /// The backends with the image's name there; the owner first, then in the order of the chains.
    pub(crate) backends: Vec<(&'c Backend, ImageName)>,
}

impl<'c> Replicas<'c> {
    /// Finds them.
    ///
    /// # Errors
    ///
    /// The name is none, or no rule is for it.
    pub(crate) fn of(config: &'c Config, front: Option<&str>, name: &str) -> Result<Self, String> {
        let image: ImageName = name.parse().map_err(|why| format!("{name}: {why}"))?;
        let rule = rule(config, front, image.repository())?;
        let mut ids: Vec<BackendId> = rule.owner().map(|owner| owner.backend).into_iter().collect();
        for region in config.regions().ids() {
            let list = rule.chain(region).map(|chain| chain.lists(image.repository()).tags);
            let backends = list.and_then(|list| config.list(list)).map(BackendList::backends);
            for id in backends.into_iter().flatten() {
                if !ids.contains(id) {
                    ids.push(*id);
                }
            }
        }
        let named = |backend: &'c Backend| {
            let there = backend.names().to_backend(image.repository());
            let there = format!("{there}:{}", image.tag());
            let parsed =
                there.parse().map_err(|_| format!("{} cannot have {there}", backend.name()));
            parsed.map(|parsed| (backend, parsed))
        };
        let backends = ids.into_iter().filter_map(|id| config.backend(id)).map(named);
        let backends = backends.collect::<Result<_, String>>()?;
        Ok(Self { rule: rule.name(), backends, image })
    }
}

/// The rule for a repository: of the clients of the front that is named, else of the first front
/// that has one.
fn rule<'c>(config: &'c Config, front: Option<&str>, repository: &str) -> Result<&'c Rule, String> {
    let fronts = config.fronts().all().iter();
    let fronts: Vec<FrontId> =
        fronts.filter(|one| front.is_none_or(|name| name == one.name())).map(Front::id).collect();
    if let (Some(name), true) = (front, fronts.is_empty()) {
        return Err(format!("the policy has no front {name}"));
    }
    let found = fronts.into_iter().find_map(|front| config.rules().find(front, repository));
    let rule = found.and_then(|id| config.rules().get(id));
    rule.ok_or_else(|| format!("no rule is for {repository}; write it as the policy's rules do"))
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Region, Rule};

    use super::*;

    fn policy() -> Policy {
        Policy::new()
            .front("main", Front::at(["r.example"]))
            .front("team", Front::at(["t.example"]))
            .backend("east", Backend::at("https://east.example"))
            .backend("west", Backend::at("https://west.example").names("a/", "acme/a/"))
            .backend("cache", Backend::at("https://cache.example"))
            .region("cn", Region::countries(["CN"]))
            .geo_database()
            .rule(
                Rule::of("a")
                    .owner("west")
                    .replicas(["east", "west"])
                    .chain_of("cn", ["cache", "east", "west"])
                    .chain(["west", "east"]),
            )
            .rule(Rule::of("team").repositories(["b/**"]).fronts(["team"]).chain(["east"]))
    }

    #[test]
    fn backends_that_drift_compares() {
        let config = policy().read_by(Config::from_json);
        #[rustfmt::skip]
        let rows = [
            (None, "a/b:v1", Ok("a: west acme/a/b:v1, east a/b:v1"), "a cache does not answer for tags"),
            (None, "a/b", Ok("a: west acme/a/b:latest, east a/b:latest"), "the usual tag"),
            (None, "b/c:v1", Ok("team: east b/c:v1"), "the first front that has a rule"),
            (Some("team"), "b/c:v1", Ok("team: east b/c:v1"), "a front by name"),
            (Some("main"), "b/c:v1", Err("no rule is for b/c"), "another front"),
            (Some("other"), "b/c:v1", Err("the policy has no front other"), "no such front"),
            (None, "c/d", Err("no rule is for c/d"), "no such rule"),
            (None, "A/b", Err("A/b: write a repository"), "no name"),
        ];
        for (front, name, wanted, reason) in rows {
            let found = Replicas::of(&config, front, name).map(|found| {
                let backends = found.backends.iter();
                let backends =
                    backends.map(|(backend, image)| format!("{} {image}", backend.name()));
                format!("{}: {}", found.rule, backends.collect::<Vec<_>>().join(", "))
            });
            match (&found, wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{reason}"),
                (Err(found), Err(wanted)) => {
                    assert!(found.starts_with(wanted), "{reason}: {found}");
                }
                _ => panic!("{reason}: {found:?}"),
            }
        }
    }
}
