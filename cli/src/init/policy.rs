//! A policy as a person would write it.

use std::fmt::Write as _;

use super::mirrors::{Backend, Mirror};

/// What a policy for registries with the same content is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Same {
    /// Names and URLs; the first is the nearest for whoever is near to none.
    pub(super) registries: Vec<(String, String)>,
    /// Names, and the countries that are near to them.
    pub(super) near: Vec<(String, String)>,
    /// The hosts that clients use.
    pub(super) hosts: Vec<String>,
    /// Globs.
    pub(super) repositories: Vec<String>,
    /// Who takes pushes.
    pub(super) owner: Option<String>,
    /// The path of the geographic database.
    pub(super) database: String,
}

/// One name for registries that hold the same.
pub(super) fn of_same(same: &Same) -> String {
    let names: Vec<&str> = same.registries.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = front(&same.hosts, "");
    text.push_str("\nbackends:\n");
    for (name, url) in &same.registries {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {{url: {}}}", quoted(name), quoted(url));
    }
    text.push_str(&regions(&same.near, &same.database));
    let globs = list(same.repositories.iter().map(String::as_str));
    let _ = write!(text, "\nrules:\n  - name: all\n    repositories: {globs}\n");
    text.push_str(&chains(&same.near, &names));
    if let Some(owner) = &same.owner {
        let _ = writeln!(text, "    owner: {}", quoted(owner));
    }
    text
}

/// A mirror's configuration as a front that stands for the same registries.
pub(super) fn of_mirrors(
    mirrors: &[Mirror],
    hosts: &[String],
    near: &[(String, String)],
    database: &str,
) -> String {
    let mut upstreams = String::from(
        "    # Clients name these registries; docs/naming.md says how.\n    upstreams:\n",
    );
    for mirror in mirrors {
        let library = if mirror.registry == "docker.io" { "library: true" } else { "" };
        let _ = writeln!(upstreams, "      {}: {{{library}}}", quoted(&mirror.registry));
    }
    if mirrors.iter().any(|mirror| mirror.registry == "docker.io") {
        upstreams.push_str("    default_upstream: docker.io\n");
    }
    let mut text = front(hosts, &upstreams);
    text.push_str("\nbackends:\n");
    for backend in mirrors.iter().flat_map(|mirror| &mirror.backends) {
        text.push_str(&of_backend(backend));
    }
    text.push_str(&regions(near, database));
    text.push_str("\nrules:\n");
    for mirror in mirrors {
        let globs = list([format!("{}/**", mirror.registry)].iter().map(String::as_str));
        let name = mirror.registry.replace(':', "-");
        let _ = write!(text, "  - name: {}\n    repositories: {globs}\n", quoted(&name));
        let names: Vec<&str> = mirror.backends.iter().map(|one| one.name.as_str()).collect();
        let near: Vec<(String, String)> =
            near.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect();
        text.push_str(&chains(&near, &names));
    }
    text
}

fn of_backend(backend: &Backend) -> String {
    let mut text = format!("  {}:\n    url: {}\n", quoted(&backend.name), quoted(&backend.url));
    if let Some(auth) = backend.auth {
        let _ = writeln!(text, "    auth: {auth}");
    }
    if let Some(file) = &backend.ca_file {
        let _ = writeln!(text, "    tls: {{ca_file: {}}}", quoted(file));
    }
    let (front, there) = (quoted(&format!("{}/", backend.registry)), quoted(&backend.prefix));
    let _ = writeln!(text, "    names: [{{front: {front}, backend: {there}}}]");
    text
}

fn front(hosts: &[String], more: &str) -> String {
    let hosts = list(hosts.iter().map(String::as_str));
    format!("version: 1\n\nfronts:\n  main:\n    hosts: {hosts}\n    default: true\n{more}")
}

fn regions(near: &[(String, String)], database: &str) -> String {
    let mut text = String::from("\nregions:\n");
    for (name, countries) in near {
        let countries = list(countries.split(','));
        let _ = writeln!(text, "  {}: {{countries: {countries}}}", quoted(&region(name)));
    }
    text.push_str("  default: {}\n");
    if !near.is_empty() {
        let _ = write!(text, "\nclients:\n  geo: {{database: {}}}\n", quoted(database));
    }
    text
}

/// Who is asked by whom, nearest first.
fn chains(near: &[(String, String)], names: &[&str]) -> String {
    let mut text = String::from("    chains:\n");
    for (name, _) in near {
        let others = names.iter().copied().filter(|other| other != name);
        let chain = list(std::iter::once(name.as_str()).chain(others));
        let _ = writeln!(text, "      {}: {chain}", quoted(&region(name)));
    }
    let _ = writeln!(text, "      default: {}", list(names.iter().copied()));
    if names.len() > 1 {
        text.push_str(
            "    # All of them have the same tags, so that pulls by tag fail over, too.\n",
        );
        let _ = writeln!(text, "    replicas: {}", list(names.iter().copied()));
    }
    text
}

/// The region whose clients are nearest to a registry.
fn region(registry: &str) -> String {
    format!("near-{registry}")
}

/// `[a, "b:c"]`.
fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    let items: Vec<String> = items.map(|item| quoted(item.trim())).collect();
    format!("[{}]", items.join(", "))
}

/// Words that are no text to YAML, or to older versions of it.
const MISREAD: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A text as YAML has it, in quotes unless it is plain in every place.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !MISREAD.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_yaml_would_misread_them() {
        #[rustfmt::skip]
        let rows = [
            ("quay", "quay"), ("r.example.com", "r.example.com"), ("NO", "\"NO\""),
            ("localhost:8080", "\"localhost:8080\""), ("**", "\"**\""), ("true", "\"true\""), ("1", "\"1\""),
            ("a\"b", "\"a\\\"b\""), ("", "\"\""),
        ];
        for (text, expected) in rows {
            assert_eq!(quoted(text), expected);
        }
    }
}
