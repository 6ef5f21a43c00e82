//! Doubts about the registries that clients name.

use portolan_command::policy_file::{join, view};
use portolan_core::challenge::is_neutral;
use portolan_core::config::{Config, Document, Front, FrontAuth, FrontHost, Upstream};

use super::doubt::Doubt;

/// Every doubt about upstreams, and about hosts that stand in a realm.
pub(super) fn doubts(config: &Config, document: &Document) -> Vec<Doubt> {
    let fronts = config.fronts().all();
    let named = fronts.iter().flat_map(|front| {
        let upstreams = front.upstreams().into_iter().flat_map(|upstreams| upstreams.all());
        upstreams.map(move |upstream| (front, upstream))
    });
    let unserved = named.clone().filter_map(|(front, it)| unserved(front, it, document));
    let words = named.filter_map(|(front, upstream)| misleading_name(front, upstream));
    let hosts = fronts.iter().filter_map(misleading_host);
    without_rules(config).chain(unserved).chain(words).chain(hosts).collect()
}

/// Where the URL of a backend is written: with the upstream that it was made for, or as its own.
pub(super) fn path_of_url(document: &Document, backend: &str) -> String {
    if view::field(document, "backends").and_then(|all| view::field(all, backend)).is_none() {
        for (front, fields) in view::mapping(view::field(document, "fronts")) {
            let upstreams = view::field(fields, "upstreams");
            let own = upstreams.and_then(|all| view::field(all, backend));
            if own.and_then(|upstream| view::field(upstream, "backend")).is_some() {
                return join(&path(front, backend), "backend");
            }
        }
    }
    join(&join("backends", backend), "url")
}

fn path(front: &str, upstream: &str) -> String {
    join(&join(&join("fronts", front), "upstreams"), upstream)
}

/// An upstream that no rule's glob can be about: every request to it is a 404.
fn unserved(front: &Front, upstream: &Upstream, document: &Document) -> Option<Doubt> {
    let path = path(front.name(), upstream.name());
    let fields = view::field(document, "fronts").and_then(|all| view::field(all, front.name()));
    let upstreams = fields.and_then(|fields| view::field(fields, "upstreams"));
    let own = upstreams.and_then(|all| view::field(all, upstream.name()));
    if own.and_then(|own| view::field(own, "backend")).is_some() {
        return None;
    }
    let prefix = upstream.prefix();
    let rules = view::list(view::field(document, "rules")).iter();
    let rules = rules.filter(|rule| is_for(rule, front.name()));
    let mut globs = rules.flat_map(|rule| view::texts(view::field(rule, "repositories")));
    let is_about = |glob: &str| {
        let literal = glob.split('*').next().unwrap_or_default();
        literal.starts_with(prefix) || prefix.starts_with(literal)
    };
    let message = format!(
        "no rule is about its repositories, which begin with `{prefix}`; write one for those that \
         clients may have, such as `{prefix}team/**`, or `backend: URL` here for all of them"
    );
    (!globs.any(is_about)).then_some((path, message))
}

/// Whether a rule is for the clients of a front.
fn is_for(rule: &Document, front: &str) -> bool {
    let named = view::field(rule, "fronts");
    named.is_none() || view::texts(named).any(|name| name == front)
}

/// A front that no rule is for: every request about a repository is a 404.
fn without_rules(config: &Config) -> impl Iterator<Item = Doubt> {
    let has_none =
        |front: &&Front| config.rules().all().iter().all(|rule| !rule.serves(front.id()));
    config.fronts().all().iter().filter(has_none).map(|front| {
        let message = "no rule is for its clients, so all repositories are unknown to them; name it in \
             `fronts` of a rule";
        (join("fronts", front.name()), message.to_owned())
    })
}

const WORDS: &str = "some clients take a challenge with the word `basic` or `bearer` in its realm for \
     one of that kind; call it something else";

/// The name of an upstream stands in the realm of clients who named it by `ns`.
fn misleading_name(front: &Front, upstream: &Upstream) -> Option<Doubt> {
    let is_told = matches!(front.auth(), FrontAuth::Upstream { .. });
    let path = path(front.name(), upstream.name());
    (is_told && !is_neutral(upstream.name())).then(|| (path, WORDS.to_owned()))
}

/// A host stands in every realm, or is one.
fn misleading_host(front: &Front) -> Option<Doubt> {
    let is_told = !matches!(front.auth(), FrontAuth::Managed);
    let found = front.hosts().iter().map(FrontHost::as_str).find(|host| !is_neutral(host))?;
    let path = join(&join("fronts", front.name()), "hosts");
    is_told.then(|| (path, format!("`{found}`: {WORDS}")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::told_of;

    fn told(front: &str, rest: &str) -> Vec<String> {
        told_of(&format!(
            "version: 1\nfronts: {{m: {{hosts: [r.example.com], {front}}}}}\nregions: {{default: {{}}}}\n{rest}"
        ))
    }

    const SERVED: &str = "backends: {a: {url: \"https://a.example\", auth: token}}\n\
        rules: [{name: r, repositories: [\"ghcr.io/team/**\", \"x/*\"], chains: {default: [a]}}]\n";

    #[test]
    fn registries_that_nothing_serves() {
        #[rustfmt::skip]
        let rows = [
            ("upstreams: {ghcr.io: {}}", SERVED, "", "a rule for some of it"),
            ("upstreams: {t: {prefix: ghcr.io/team/app/}}", SERVED, "", "a rule for more than it"),
            ("upstreams: {all: {prefix: \"\"}}", SERVED, "", "everything is"),
            ("upstreams: {ghcr.io: {}}", "backends: {a: {url: \"https://a.example\", auth: token}}\nrules: [{name: r, fronts: [m], repositories: [\"ghcr.io/**\"], chains: {default: [a]}}]\n", "", "a rule for this front"),
            ("upstreams: {ghcr.io: {}, quay.io: {}}", SERVED, "fronts.m.upstreams[\"quay.io\"]: no rule is about its repositories, which begin with `quay.io/`", "no rule"),
            ("upstreams: {docker.io: {backend: \"http://cache:5000\"}}", "", "", "it says where from itself"),
            ("upstreams: {docker.io: {backend: \"http://cache.example:5000\"}}", "", "fronts.m.upstreams[\"docker.io\"].backend: requests to `cache.example` and their credentials are sent unencrypted", "told where it is written"),
        ];
        for (front, rest, expected, reason) in rows {
            let found = told(front, rest);
            let as_wanted = match expected {
                "" => found.is_empty(),
                start => found.len() == 1 && found[0].starts_with(start),
            };
            assert!(as_wanted, "{front}: {reason}: {found:#?}");
        }
    }

    #[test]
    fn words_that_clients_trip_over() {
        let upstream = "auth: upstream, upstreams: {basic: {prefix: ghcr.io/}}";
        let found = told(upstream, SERVED);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("fronts.m.upstreams.basic: some clients take"), "{found:?}");
        let host = "auth: upstream, default: true, upstreams: {g: {prefix: ghcr.io/, hosts: [bearer.example]}}";
        let found = told(host, SERVED);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("fronts.m.hosts: `bearer.example`: some clients"),
            "{found:?}"
        );
        assert!(told("upstreams: {basic: {prefix: ghcr.io/}}", SERVED).is_empty(), "no realms");
    }
}
