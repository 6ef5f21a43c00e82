//! "Did you mean": the known name that a person most likely meant.

use crate::config::advice;
use crate::config::excerpt::excerpt;
use crate::config::fields::{POLICY, Table};

/// The name among `known` that is nearest to `word`, if it is near enough to be meant.
///
/// Case, hyphens, underscores and spaces do not count: `healthCheck` is `health_check`. A start of
/// at least three letters means the one name that begins so: `repo` is `repositories`.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let wanted = folded(word);
    let known: Vec<(String, &str)> = known.map(|name| (folded(name), name)).collect();
    let rated = known.iter().map(|(name, found)| (strsim::osa_distance(&wanted, name), *found));
    let (distance, found) = rated.min_by_key(|(distance, _)| *distance)?;
    if distance <= allowed(&wanted) {
        return Some(found);
    }
    let begins = |(name, found): &(String, &'k str)| {
        let shorter = name.len().min(wanted.len());
        let is_start = name.starts_with(&wanted) || wanted.starts_with(name.as_str());
        (shorter >= 3 && is_start).then_some(*found)
    };
    let mut found = known.iter().filter_map(begins);
    found.next().filter(|_| found.next().is_none())
}

/// How many letters may be wrong: fewer in a short word, of which little would be left.
fn allowed(word: &str) -> usize {
    match word.chars().count() {
        0 | 1 => 0,
        2..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

fn folded(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// What people call a field who know it from elsewhere: the word, and the fields that it may mean.
const OTHER_WORDS: &[(&str, &[&str])] = &[
    ("address", &["url"]),
    ("allow", &["readers"]),
    ("backends", &["chains"]),
    ("ca", &["ca_file"]),
    ("cacert", &["ca_file"]),
    ("cert", &["certificate_file"]),
    ("certfile", &["certificate_file"]),
    ("certificate", &["certificate_file"]),
    ("cidrs", &["networks"]),
    ("domains", &["hosts"]),
    ("endpoint", &["url"]),
    ("from", &["front"]),
    ("frontends", &["fronts"]),
    ("geodatabase", &["database"]),
    ("geoip", &["geo"]),
    ("globs", &["repositories"]),
    ("host", &["hosts", "url"]),
    ("hostname", &["hosts", "server_name"]),
    ("hostnames", &["hosts"]),
    ("htpasswd", &["auth"]),
    ("images", &["repositories"]),
    ("ips", &["networks"]),
    ("key", &["key_file"]),
    ("listeners", &["fronts"]),
    ("locations", &["regions"]),
    ("match", &["repositories"]),
    ("maxconnections", &["connections"]),
    ("mirrors", &["chains", "backends"]),
    ("mmdb", &["database"]),
    ("name", &["backend"]),
    ("order", &["chains"]),
    ("password", &["credential", "file"]),
    ("pathprefix", &["url"]),
    ("paths", &["repositories"]),
    ("pattern", &["repositories"]),
    ("patterns", &["repositories"]),
    ("percent", &["share"]),
    ("policies", &["rules"]),
    ("port", &["hosts"]),
    ("prefixes", &["networks"]),
    ("primary", &["owner"]),
    ("proxies", &["trusted_proxies"]),
    ("push", &["owner"]),
    ("registries", &["backends"]),
    ("remotes", &["backends"]),
    ("routes", &["rules"]),
    ("secret", &["credential", "file"]),
    ("secrets", &["credentials"]),
    ("servers", &["backends"]),
    ("sni", &["server_name"]),
    ("states", &["subdivisions"]),
    ("targets", &["chains"]),
    ("timeout", &["attempt_timeouts"]),
    ("timeouts", &["attempt_timeouts"]),
    ("to", &["backend"]),
    ("token", &["file"]),
    ("uri", &["url"]),
    ("user", &["credential", "file"]),
    ("username", &["credential", "file"]),
    ("users", &["auth"]),
    ("weight", &["share"]),
    ("write", &["owner"]),
    ("zones", &["regions"]),
];

/// The field of a table that an unknown key most likely means.
pub(crate) fn meant_field(key: &str, table: &Table) -> Option<&'static str> {
    let word = folded(key);
    let exact = table.names().find(|name| folded(name) == word);
    let other = || {
        let (_, fields) = OTHER_WORDS.iter().find(|(other, _)| *other == word)?;
        // A backend in a chain has a name; what else lacks one has it as its key.
        let is_meant = |field: &&str| {
            table.field(field).is_some_and(|field| word != "name" || field.is_required)
        };
        fields.iter().copied().find(is_meant)
    };
    exact.or_else(other).or_else(|| nearest(key, table.names()))
}

/// What to say of a key that no field of a table has.
pub(crate) fn unknown_field(key: &str, table: &Table) -> String {
    let verifies = ["insecure", "skipverify", "insecureskipverify", "tlsverify", "verify"];
    if (table.has("tls") || table.has("ca_file")) && verifies.contains(&folded(key).as_str()) {
        return "there is no such field, because certificates are verified always; for a CA of your own write \
             `tls: {ca_file: FILE}`"
            .to_owned();
    }
    if let Some(field) = table.renamed(key) {
        return format!(
            "was the name of `{}` in earlier releases, which stands here, too; keep one of the two",
            field.name
        );
    }
    if let Some(reason) = advice::text::why(key) {
        return format!("there is no such field, because its name {reason}");
    }
    if let Some(field) = meant_field(key, table) {
        return format!("there is no such field; did you mean `{field}`?");
    }
    let elsewhere = POLICY.all().into_iter().find(|other| other.has(key));
    match elsewhere {
        Some(other) if other.place.is_empty() => {
            format!("there is no such field here; `{key}` stands at the top, not indented")
        }
        Some(other) => {
            format!("there is no such field here; `{key}` is a field of `{}`", other.place)
        }
        None => {
            let names: Vec<&str> = table.names().collect();
            format!("there is no such field; the fields here are {}", join(&names))
        }
    }
}

/// What to say of a name that nothing has: the nearest, and all of them where they are few.
pub(crate) fn unknown_name(what: &str, name: &str, known: &[&str]) -> String {
    if let Some(reason) = advice::text::why(name) {
        return format!("`{}` {reason}", excerpt(name));
    }
    let name = &excerpt(name);
    let meant = nearest(name, known.iter().copied());
    let meant = meant.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
    match known {
        [] => format!("there is no {what} `{name}`; the policy has none"),
        [only] if meant.is_empty() => {
            format!("there is no {what} `{name}`; the only {what} is `{only}`")
        }
        [_] => format!("there is no {what} `{name}`{meant}"),
        _ if meant.is_empty() => {
            format!("there is no {what} `{name}`; the {what}s are {}", join(known))
        }
        _ => format!("there is no {what} `{name}`{meant} The {what}s are {}", join(known)),
    }
}

/// The items as `a`, `b`, `c`; of many only the first.
pub(crate) fn join<T: AsRef<str>>(items: &[T]) -> String {
    const MOST: usize = 24;
    let shown: Vec<String> =
        items.iter().take(MOST).map(|item| format!("`{}`", excerpt(item.as_ref()))).collect();
    match items.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::{BACKEND, FRONT, LINK, RULE};
    use super::*;

    #[test]
    fn the_nearest_name() {
        #[rustfmt::skip]
        let rows = [
            ("aisa", Some("asia"), "two letters in the wrong order"),
            ("ASIA", Some("asia"), "case"),
            ("asia ", Some("asia"), "a space"),
            ("quai", Some("quay"), "a letter"),
            ("quay.io", Some("quay"), "a longer form of the only one"),
            ("healthcheck", Some("health_check"), "an underscore"),
            ("health-check", Some("health_check"), "a hyphen"),
            ("healthCheck", Some("health_check"), "another convention"),
            ("us", None, "another name of two letters"),
            ("zzzz", None, "nothing like it"),
            ("", None, "nothing"),
        ];
        let known = ["asia", "eu", "quay", "health_check"];
        for (word, expected, reason) in rows {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}: {reason}");
        }
        assert_eq!(nearest("repo", ["repositories", "replicas"].into_iter()), Some("repositories"));
        assert_eq!(nearest("re", ["repositories", "replicas"].into_iter()), None);
    }

    #[test]
    fn unknown_fields() {
        #[rustfmt::skip]
        let rows = [
            ("networks_files", &POLICY, "there is no such field; did you mean `network_files`?"),
            ("backend", &POLICY, "there is no such field; did you mean `backends`?"),
            ("Rules", &POLICY, "there is no such field; did you mean `rules`?"),
            ("registries", &POLICY, "there is no such field; did you mean `backends`?"),
            ("repositiories", &RULE, "there is no such field; did you mean `repositories`?"),
            ("repository", &RULE, "there is no such field; did you mean `repositories`?"),
            ("mirrors", &RULE, "there is no such field; did you mean `chains`?"),
            ("insecure", &BACKEND, "there is no such field, because certificates are verified always; for a CA of your own write `tls: {ca_file: FILE}`"),
            ("backends", &RULE, "there is no such field; did you mean `chains`?"),
            ("name", &LINK, "there is no such field; did you mean `backend`?"),
            ("endpoint", &BACKEND, "there is no such field; did you mean `url`?"),
            ("hostname", &FRONT, "there is no such field; did you mean `hosts`?"),
            ("repositories", &BACKEND, "there is no such field here; `repositories` is a field of `rules[]`"),
            ("\u{a0}owner", &RULE, "there is no such field, because its name has a character in it that cannot be seen (U+00A0); type it anew"),
            ("rules", &BACKEND, "there is no such field here; `rules` stands at the top, not indented"),
        ];
        for (key, table, expected) in rows {
            assert_eq!(unknown_field(key, table), expected, "{key}");
        }
        assert!(unknown_field("zzzzzz", &POLICY).starts_with(
            "there is no such field; the fields here are `version`, `fronts`, `backends`"
        ));
    }

    #[test]
    fn unknown_names() {
        let many: Vec<String> = (0..30).map(|number| format!("backend-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        #[rustfmt::skip]
        let rows: [(&str, &[&str], &str); 7] = [
            ("aisa", &["asia", "eu"], "there is no backend `aisa`; did you mean `asia`? The backends are `asia`, `eu`"),
            ("x", &["asia", "eu"], "there is no backend `x`; the backends are `asia`, `eu`"),
            ("x", &["asia"], "there is no backend `x`; the only backend is `asia`"),
            ("x", &[], "there is no backend `x`; the policy has none"),
            ("asai", &["asia"], "there is no backend `asai`; did you mean `asia`?"),
            ("{{ .x }}", &["asia"], "`{{ .x }}` is a template that was not filled in; check what comes out of it"),
            ("asia\n", &["asia"], "`asia\\n` has a space or a line break around it; write `asia`"),
        ];
        for (name, known, expected) in rows {
            assert_eq!(unknown_name("backend", name, known), expected);
        }
        assert!(unknown_name("backend", "x", &many).ends_with("`backend-23` and 6 more"));
    }
}
