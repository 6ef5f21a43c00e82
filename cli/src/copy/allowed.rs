//! Repositories whose content may be in a store: those whose clients the policy redirects there.
//!
//! A store shows what it has to everybody. What a policy sends nobody there for may be private.

use portolan_core::config::{BlobStore, ClientRedirects, Config, Front};
use portolan_core::oci::parse;
use portolan_core::policy::Naming;

/// The digest of nothing, for the path of any blob.
const SOME_DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The name in the policy of a repository that clients of a front at `authority` name so, if the
/// policy sends clients to the store for it.
///
/// # Errors
///
/// The policy does not send anybody there for it, or has no such front or repository.
pub(super) fn policy_name(
    config: &Config,
    store: &BlobStore,
    authority: &str,
    repository: &str,
) -> Result<String, String> {
    let authority = authority.as_bytes();
    let id = config.fronts().find(authority).ok_or("the policy has no front of this host")?;
    let front: &Front = config.fronts().get(id).ok_or("the policy has no such front")?;
    let target = format!("/v2/{repository}/blobs/{SOME_DIGEST}");
    let request = parse(b"GET", target.as_bytes())
        .map_err(|_| "this is no name of a repository".to_owned())?;
    let name = Naming::of(front, authority, &request)
        .ok()
        .and_then(|naming| naming.to_policy(repository).map(std::borrow::Cow::into_owned))
        .ok_or("the front stands for no registry of this name")?;
    let rule = config.rules().find(id, &name).and_then(|rule| config.rules().get(rule));
    let rule = rule.ok_or_else(|| format!("no rule of the policy is for {name}"))?;
    let mut stores = rule.client_redirects().into_iter().flat_map(ClientRedirects::stores);
    let is_sent = stores.any(|id| config.blob_store(id).is_some_and(|one| one == store));
    if is_sent {
        Ok(name)
    } else {
        let (rule, store) = (rule.name(), store.name());
        Err(format!(
            "the rule {rule} sends nobody to the store {store}, and what is there is public; add \
             it to `client_redirects.stores` of the rule"
        ))
    }
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Rule};
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_clients_are_sent_there_for() {
        let policy = Policy::new()
            .front("main", Front::at(["r.example"]))
            .backend("east", Backend::at("https://east.example"))
            .with(
                "blob_stores",
                json!({
                    "bucket": {"url": "https://b.example/{digest}"},
                    "other": {"url": "https://o.example/{digest}"},
                }),
            )
            .rule(
                Rule::of("public")
                    .repositories(["public/**"])
                    .chain(["east"])
                    .with("client_redirects", json!({"stores": {"default": "bucket"}})),
            )
            .rule(Rule::of("private").repositories(["private/**"]).chain(["east"]));
        let config = policy.read_by(Config::from_json);
        #[rustfmt::skip]
        let rows = [
            ("bucket", "r.example", "public/app", Ok("public/app"), "as the policy says"),
            ("bucket", "r.example", "private/app", Err("the rule private sends nobody to the store bucket"), "not public"),
            ("other", "r.example", "public/app", Err("the rule public sends nobody to the store other"), "another store"),
            ("bucket", "r.example", "else/app", Err("no rule of the policy is for else/app"), "no rule"),
            ("bucket", "x.example", "public/app", Err("the policy has no front of this host"), "no front"),
            ("bucket", "r.example", "Public", Err("this is no name"), "no name"),
        ];
        for (store, host, repository, expected, reason) in rows {
            let store = config.blob_stores().iter().find(|one| one.name() == store).unwrap();
            let found = policy_name(&config, store, host, repository);
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
                (Err(found), Err(expected)) => {
                    assert!(found.starts_with(expected), "{reason}: {found}");
                }
                _ => panic!("{reason}: {found:?}"),
            }
        }
    }
}
