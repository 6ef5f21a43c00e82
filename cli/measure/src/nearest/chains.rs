//! The chains that clients of a region are served by, as the policy's text has them.

use portolan_command::policy_file::view::{field, list, text};
use portolan_command::policy_file::{LoadedPolicy, join};
use portolan_core::config::{Config, Document};

/// The region whose chains serve the clients of those that have none of their own.
const DEFAULT: &str = "default";

/// A chain of several backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// The rule.
    pub(super) rule: String,
    /// Where the chain stands in the policy: `rules[0].chains.eu`.
    pub(super) path: String,
    /// Whether it is that of `default`, which serves this region because it has none of its own.
    pub(super) is_default: bool,
    /// The names of its backends, nearest first.
    pub(super) stations: Vec<String>,
}

/// The region, and the chains of several backends that serve its clients; of the rules for a
/// repository alone where one is named.
///
/// # Errors
///
/// The policy has no such region, or several and none is named; or no rule is for the repository.
pub(super) fn of(
    policy: &LoadedPolicy,
    region: Option<&str>,
    repository: Option<&str>,
) -> Result<(String, Vec<Chain>), String> {
    let region = choose(&policy.config, region)?;
    let serving = repository.map(|name| rules_of(&policy.config, name)).transpose()?;
    // "Its clients are served as those of `default`."
    let regions = field(&policy.document, "regions");
    let said = regions.and_then(|regions| field(field(regions, &region)?, "drained"));
    let own = if said == Some(&Document::Boolean(true)) { DEFAULT } else { region.as_str() };
    let rules = list(field(&policy.document, "rules")).iter().enumerate();
    let chains = rules.filter_map(|(index, rule)| chain(rule, index, own));
    let chains =
        chains.filter(|chain| serving.as_ref().is_none_or(|all| all.contains(&chain.rule)));
    let chains =
        chains.map(|chain| Chain { is_default: chain.is_default || own != region, ..chain });
    let chains = chains.collect();
    Ok((region, chains))
}

fn choose(config: &Config, wanted: Option<&str>) -> Result<String, String> {
    let regions = config.regions();
    let known: Vec<&str> = regions.ids().map(|id| regions.name(id)).collect();
    match (wanted, known.as_slice()) {
        (Some(wanted), known) if known.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), known) => Err(format!(
            "the policy has no region {wanted}; it has {}: name the one that this machine is in",
            known.join(", ")
        )),
        (None, [only]) => Ok((*only).to_owned()),
        (None, known) => Err(format!(
            "name the region that this machine is in: `--region` with one of {}",
            known.join(", ")
        )),
    }
}

/// The names of the rules that serve a repository, at one front or another.
fn rules_of(config: &Config, repository: &str) -> Result<Vec<String>, String> {
    let fronts = config.fronts().all().iter();
    let ids = fronts.filter_map(|front| config.rules().find(front.id(), repository));
    let rules = ids.filter_map(|id| config.rules().get(id)).map(|rule| rule.name().to_owned());
    let rules: Vec<String> = rules.collect();
    if rules.is_empty() {
        return Err(format!("no rule is for {repository}; write it as the policy's rules do"));
    }
    Ok(rules)
}

/// A rule's chain for a region, if it has several backends.
fn chain(rule: &Document, index: usize, region: &str) -> Option<Chain> {
    let chains = field(rule, "chains")?;
    let (name, items) = match field(chains, region) {
        Some(items) => (region, items),
        None => (DEFAULT, field(chains, DEFAULT)?),
    };
    let stations: Option<Vec<String>> =
        list(Some(items)).iter().map(|item| station(item).map(str::to_owned)).collect();
    let stations = stations.filter(|stations| stations.len() > 1)?;
    let rule = field(rule, "name").and_then(text).unwrap_or_default().to_owned();
    let path = join(&format!("rules[{index}].chains"), name);
    Some(Chain { rule, path, is_default: name != region, stations })
}

/// A name, or `{backend: NAME, share: PERCENT}`.
fn station(item: &Document) -> Option<&str> {
    text(item).or_else(|| text(field(item, "backend")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan_command::policy_file::load_text;

    const POLICY: &str = "
version: 1
fronts: {main: {hosts: [r.example]}}
backends:
  near: {url: 'https://near.example'}
  far: {url: 'https://far.example'}
  new: {url: 'https://new.example'}
regions: {eu: {continents: [EU]}, cn: {countries: [CN]}, default: {}}
clients: {geo: {database: /etc/portolan/geoip.mmdb}}
rules:
- name: both
  repositories: ['a/**']
  replicas: [near, far]
  chains: {eu: [near, far], default: [far, near]}
- name: alone
  repositories: ['b/**']
  chains: {default: [far]}
- name: tried
  repositories: ['c/**']
  replicas: [near, far, new]
  chains: {eu: [{backend: new, share: 10}, near], default: [near, far]}
";

    #[test]
    fn a_drained_region_is_served_as_default() {
        let text =
            POLICY.replace("eu: {continents: [EU]}", "eu: {continents: [EU], drained: true}");
        let policy = load_text(&text, "p.yaml").unwrap_or_else(|found| panic!("{found:?}"));
        let (region, chains) = of(&policy, Some("eu"), Some("a/b")).unwrap();
        let found = chains.first().unwrap();
        assert_eq!((region.as_str(), found.path.as_str()), ("eu", "rules[0].chains.default"));
        assert!(found.is_default);
    }

    fn found(region: Option<&str>, repository: Option<&str>) -> Result<Vec<String>, String> {
        let policy = load_text(POLICY, "p.yaml").unwrap_or_else(|found| panic!("{found:?}"));
        let (region, chains) = of(&policy, region, repository)?;
        let words = chains.iter().map(|chain| {
            let default = if chain.is_default { " (default)" } else { "" };
            format!(
                "{region}: {} {}{default}: {}",
                chain.rule,
                chain.path,
                chain.stations.join(" ")
            )
        });
        Ok(words.collect())
    }

    /// Region and repository that are named, what is found, and why.
    type Row = (
        Option<&'static str>,
        Option<&'static str>,
        Result<&'static [&'static str], &'static str>,
        &'static str,
    );

    #[test]
    fn chains_of_a_region() {
        #[rustfmt::skip]
        let rows: &[Row] = &[
            (Some("eu"), None, Ok(&["eu: both rules[0].chains.eu: near far", "eu: tried rules[2].chains.eu: new near"]), "a chain of one has no order"),
            (Some("cn"), None, Ok(&["cn: both rules[0].chains.default (default): far near", "cn: tried rules[2].chains.default (default): near far"]), "no chain of its own"),
            (Some("eu"), Some("a/b"), Ok(&["eu: both rules[0].chains.eu: near far"]), "the rule of a repository"),
            (Some("eu"), Some("b/b"), Ok(&[]), "whose chain is of one"),
            (Some("eu"), Some("d/b"), Err("no rule is for d/b"), "no rule"),
            (Some("us"), None, Err("the policy has no region us; it has eu, cn, default"), "no such region"),
            (None, None, Err("name the region that this machine is in"), "several"),
        ];
        for (region, repository, wanted, reason) in rows {
            match (found(*region, *repository), wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, **wanted, "{reason}"),
                (Err(found), Err(wanted)) => {
                    assert!(found.starts_with(wanted), "{reason}: {found}");
                }
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
    }
}
