//! Doubts about what reads like a slip of the pen, or like more than was reckoned with.

use std::net::Ipv4Addr;

use portolan_command::policy_file::{join, view};
use portolan_core::config::{Backend, Config, Document, Front};

use super::doubt::Doubt;
use super::upstreams::path_of_url;
use super::used::{links, used_backends};

/// Every doubt about countries, twins among backends, hosts in globs, and the size of the policy.
pub(super) fn doubts(config: &Config, document: &Document, rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = twins(config, document, rules);
    doubts.extend(reserved_countries(document));
    doubts.extend(hosts_in_globs(config, document, rules));
    doubts.extend(many_lists(config));
    doubts.extend(config.backends().iter().filter_map(|backend| broken_address(document, backend)));
    doubts.extend(config.backends().iter().filter_map(|backend| namespace(document, backend)));
    doubts
}

/// A host that looks like an IPv4 address and is none: it is looked up as a name, which nobody can
/// have (a top-level domain is never all digits: RFC 3696 section 2).
fn broken_address(document: &Document, backend: &Backend) -> Option<Doubt> {
    let host = backend.url().host();
    let last = host.rsplit('.').next().unwrap_or(host);
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let is_ipv6 = host.contains(':');
    let is_broken =
        is_number && !is_ipv6 && host.contains('.') && host.parse::<Ipv4Addr>().is_err();
    is_broken.then(|| {
        let message = format!(
            "`{host}` looks like an address and is none: it has four numbers from 0 to 255, without a 0 before them"
        );
        (path_of_url(document, backend.name()), message)
    })
}

/// A namespace in the URL of a registry that has its `/v2/` at the root alone.
fn namespace(document: &Document, backend: &Backend) -> Option<Doubt> {
    const AT_ROOT: [&str; 8] = [
        "ghcr.io",
        "quay.io",
        "registry-1.docker.io",
        "registry.k8s.io",
        "gcr.io",
        "public.ecr.aws",
        "mcr.microsoft.com",
        "registry.gitlab.com",
    ];
    let url = backend.url();
    let path = url.base_path().trim_matches('/');
    let is_told = path.is_empty() || path.split('/').any(|part| part == "v2");
    let is_root = AT_ROOT.contains(&url.host()) && !is_told;
    is_root.then(|| {
        let message = format!(
            "`{host}` has its registry at the root; write `https://{host}`, and `{path}/` as the start of the names there: \
             `names: [{{front: \"\", backend: {path}/}}]`",
            host = url.host()
        );
        (path_of_url(document, backend.name()), message)
    })
}

/// Two backends that are one registry: a chain with both asks it twice.
fn twins(config: &Config, document: &Document, rules: &[Document]) -> Vec<Doubt> {
    let used = used_backends(rules);
    let written = view::field(document, "backends");
    let of = |backend: &Backend, name| {
        written
            .and_then(|all| view::field(all, backend.name()))
            .and_then(|one| view::field(one, name))
    };
    let same = |one: &Backend, other: &Backend| {
        one.url() == other.url()
            && ["names", "credential", "auth", "tls"]
                .iter()
                .all(|name| of(one, name) == of(other, name))
    };
    let backends: Vec<&Backend> =
        config.backends().iter().filter(|backend| used.contains(backend.name())).collect();
    let mut doubts = Vec::new();
    for (index, backend) in backends.iter().enumerate() {
        let first = backends.iter().take(index).find(|first| same(first, backend));
        doubts.extend(first.map(|first| {
            let message = format!(
                "is the registry of `{}` once more, so that a chain with both asks it twice; keep one of them",
                first.name()
            );
            (path_of_url(document, backend.name()), message)
        }));
    }
    doubts
}

/// `UK`, which the standard reserves and databases do not have.
fn reserved_countries(document: &Document) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (name, region) in view::mapping(view::field(document, "regions")) {
        for (index, code) in view::list(view::field(region, "countries")).iter().enumerate() {
            if view::text(code).is_some_and(|code| code.trim().eq_ignore_ascii_case("UK")) {
                let path = format!("{}[{index}]", join(&join("regions", name), "countries"));
                let message = "`UK` is read as `GB`, which is the code of the United Kingdom in ISO 3166-1 and \
                     in all databases; write `GB`";
                doubts.push((path, message.to_owned()));
            }
        }
    }
    doubts
}

/// Globs that begin with a registry's host, where no front has clients write one.
fn hosts_in_globs(config: &Config, document: &Document, rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let fronts: Vec<&Front> = match view::field(rule, "fronts") {
            None => config.fronts().all().iter().collect(),
            written => {
                let names: Vec<&str> = view::texts(written).collect();
                config.fronts().all().iter().filter(|front| names.contains(&front.name())).collect()
            }
        };
        let globs = view::list(view::field(rule, "repositories"));
        for (position, glob) in globs.iter().filter_map(view::text).enumerate() {
            let Some(host) = host_of(glob) else { continue };
            let is_named = |prefix: &str| {
                prefix.is_empty() || glob.starts_with(prefix) || prefix.starts_with(host)
            };
            let mut prefixes = fronts.iter().filter_map(|front| front.upstreams());
            let by_upstream = prefixes.any(|upstreams| {
                upstreams.all().iter().any(|upstream| is_named(upstream.prefix()))
            });
            if by_upstream || is_rewritten(document, rule, host) {
                continue;
            }
            let message = format!(
                "`{host}` is a registry's host, and no front of the rule has it in `upstreams`: its clients ask for \
                 `{}`; write `upstreams: {{{host}: {{}}}}` at the front, or the glob without the host",
                glob.get(host.len().saturating_add(1)..).unwrap_or(glob)
            );
            doubts.push((format!("rules[{index}].repositories[{position}]"), message));
        }
    }
    doubts
}

/// What a glob begins with, if that looks like the host of a registry.
fn host_of(glob: &str) -> Option<&str> {
    let (host, _) = glob.split_once('/')?;
    let (_, last) = host.rsplit_once('.')?;
    let is_domain = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_domain && !host.contains('*')).then_some(host)
}

/// Whether a backend of the rule has names that begin so under other names: then somebody meant it.
fn is_rewritten(document: &Document, rule: &Document, host: &str) -> bool {
    let backends = view::field(document, "backends");
    let mut members =
        view::mapping(view::field(rule, "chains")).iter().flat_map(|(_, chain)| links(chain));
    members.any(|name| {
        let names = backends
            .and_then(|all| view::field(all, name))
            .and_then(|one| view::field(one, "names"));
        let mut fronts = view::list(names)
            .iter()
            .filter_map(|one| view::field(one, "front").and_then(view::text));
        fronts.any(|front| front.starts_with(host))
    })
}

/// Each list of several backends is a cluster of Envoy's.
fn many_lists(config: &Config) -> Option<Doubt> {
    const MANY: usize = 1000;
    let lists = config.lists().iter().filter(|list| list.has_fallback()).count();
    let Cost { seconds, megabytes } = cost(lists);
    let message = format!(
        "the chains are {lists} different lists of backends, and each is a cluster of Envoy, which starts in about \
         {seconds} s then, needs about {megabytes} MB, and twice as much while it reads a file of YAML and not of JSON; \
         give rules the same chains where they may have them"
    );
    (lists > MANY).then(|| ("rules".to_owned(), message))
}

/// What an Envoy costs that has so many lists.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    /// The time of its start.
    seconds: usize,
    /// Its memory.
    megabytes: usize,
}

/// Measured with 300 backends and Envoy 1.40.0, from a file of YAML, with the native module and
/// with `WebAssembly`: 1.4 and 3.0 seconds of processor time and 204 and 255 MB with 1,074 lists,
/// 9.0 and 10.3 seconds and 464 and 533 MB with 11,262.
fn cost(lists: usize) -> Cost {
    let seconds = lists.checked_div(1_300).unwrap_or_default();
    let megabytes = lists.saturating_mul(26).checked_div(1_000).unwrap_or_default();
    Cost { seconds: seconds.saturating_add(2), megabytes: megabytes.saturating_add(220) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told_of;
    use super::*;

    fn told(front: &str, backends: &str, regions: &str, rules: &str) -> Vec<String> {
        told_of(&format!(
            "version: 1\nfronts: {{m: {{hosts: [r.example.com]{front}}}}}\nclients: {{geo: {{database: /x.mmdb}}}}\n\
             regions: {{{regions}default: {{}}}}\nbackends: {{{backends}}}\nrules: [{rules}]\n"
        ))
    }

    const A: &str = "a: {url: \"https://a.example\"}";
    const ALL: &str = "{name: r, repositories: [x], chains: {default: [a]}}";

    #[test]
    fn the_cost_of_many_lists() {
        let rows = [
            (1_001, 2, 246, "the fewest that are told of"),
            (11_262, 10, 512, "as measured: between both filters"),
        ];
        for (lists, seconds, megabytes, reason) in rows {
            assert_eq!(cost(lists), Cost { seconds, megabytes }, "{reason}");
        }
    }

    #[test]
    fn slips() {
        let rule = |glob: &str| {
            format!("{{name: r, repositories: [\"{glob}\"], chains: {{default: [a]}}}}")
        };
        let both = "{name: r, repositories: [x], chains: {default: [a, b]}, replicas: [a, b]}";
        #[rustfmt::skip]
        let rows = [
            ("", A, "gb: {countries: [GB]}, ", ALL.to_owned(), "", "the code of the standard"),
            ("", A, "gb: {countries: [FR, uk]}, ", ALL.to_owned(), "regions.gb.countries[1]: `UK` is read as `GB`", "a reserved one"),
            ("", A, "", rule("ghcr.io/team/**"), "rules[0].repositories[0]: `ghcr.io` is a registry's host", "nobody writes it"),
            (", upstreams: {ghcr.io: {}}", A, "", rule("ghcr.io/team/**"), "", "clients write it"),
            ("", "a: {url: \"https://a.example\", names: [{front: ghcr.io/, backend: \"\"}]}", "", rule("ghcr.io/team/**"), "", "it is meant"),
            ("", A, "", rule("team/v1.2/**"), "", "a dot in another component"),
            ("", A, "", rule("v1.2/**"), "", "no domain"),
            ("", "a: {url: \"https://a.example\"}, b: {url: \"https://a.example/\"}", "", both.to_owned(), "backends.b.url: is the registry of `a` once more", "one registry"),
            ("", "a: {url: \"https://a.example\"}, b: {url: \"https://a.example\", names: [{front: x/, backend: y/}]}", "", both.to_owned(), "", "other names there"),
            ("", "a: {url: \"https://ghcr.io/team\"}", "", ALL.to_owned(), "backends.a.url: `ghcr.io` has its registry at the root; write `https://ghcr.io`, and `team/`", "a namespace"),
            ("", "a: {url: \"https://ghcr.io\"}", "", ALL.to_owned(), "", "the root"),
            ("", "a: {url: \"https://256.1.1.1\"}", "", ALL.to_owned(), "backends.a.url: `256.1.1.1` looks like an address and is none", "too large a number"),
            ("", "a: {url: \"https://1.2.3\"}", "", ALL.to_owned(), "backends.a.url: `1.2.3` looks like", "too few numbers"),
            ("", "a: {url: \"https://10.0.0.1\"}", "", ALL.to_owned(), "", "an address"),
            ("", "a: {url: \"https://[::ffff:10.0.0.1]\"}", "", ALL.to_owned(), "", "an address in one of IPv6"),
            ("", "a: {url: \"https://a.example\"}, b: {url: \"https://a.example/m\"}", "", both.to_owned(), "", "another path"),
        ];
        for (front, backends, regions, rules, expected, reason) in rows {
            let found = told(front, backends, regions, &rules);
            let as_wanted = match expected {
                "" => found.is_empty(),
                start => found.len() == 1 && found[0].starts_with(start),
            };
            assert!(as_wanted, "{reason}: {found:#?}");
        }
    }

    #[test]
    fn what_many_lists_cost() {
        let names: Vec<String> = (0..47).map(|number| format!("b{number}")).collect();
        let backends: Vec<String> = names
            .iter()
            .map(|name| format!("{name}: {{url: \"https://{name}.example\"}}"))
            .collect();
        let pairs = names.iter().flat_map(|one| names.iter().map(move |other| (one, other)));
        let rules = |most: usize| {
            let pairs = pairs.clone().filter(|(one, other)| one < other).take(most);
            let rules: Vec<String> = pairs
                .enumerate()
                .map(|(index, (one, other))| {
                    format!("{{name: r{index}, repositories: [r{index}/x], replicas: [{one}, {other}], chains: {{default: [{one}, {other}]}}}}")
                })
                .collect();
            let found = told("", &backends.join(", "), "", &rules.join(", "));
            found.into_iter().filter(|line| line.starts_with("rules:")).collect::<Vec<_>>()
        };
        assert!(rules(900).is_empty(), "{:?}", rules(900));
        let found = rules(1081);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("1081 different lists") && found[0].contains("about 2 s then"),
            "{found:?}"
        );
    }
}
