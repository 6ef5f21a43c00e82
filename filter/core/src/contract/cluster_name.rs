//! Names of Envoy's clusters that say what they connect to.
//!
//! While one policy replaces another, both are at work in one Envoy. A cluster that kept its name
//! while its URL changed would send the requests of the one policy to the registry of the other. So
//! the name of a cluster has the fingerprint of what it connects to behind the name that the policy
//! has for it: `quay~3f9a0c1b2d4e5f60`. A policy says with `cluster_fingerprints` that its clusters
//! are named so; `portolan render` writes that.

use std::borrow::Cow;

use super::fingerprint::Fingerprint;

/// What is between a name and a fingerprint. No name of a policy has it.
const SIGN: char = '~';

/// A name with the fingerprint of what it stands for.
#[must_use]
pub fn with_fingerprint(name: &str, fingerprint: Fingerprint) -> String {
    format!("{name}{SIGN}{fingerprint}")
}

/// The policy's name of a backend, of a name that may have a fingerprint behind it.
#[must_use]
pub fn name_of(key: &str) -> &str {
    key.split_once(SIGN).map_or(key, |(name, _)| name)
}

/// The name of what stands for several backends in this order: `ghcr+quay`, with one fingerprint
/// for all of theirs where they have any. A plus sign is in no name, so this is no other list's and
/// no backend's.
#[must_use]
pub fn joined(keys: &[&str]) -> String {
    let names = keys.iter().map(|key| name_of(key)).collect::<Vec<_>>().join("+");
    match keys {
        [one] => (*one).to_owned(),
        _ if keys.iter().all(|key| !key.contains(SIGN)) => names,
        _ => with_fingerprint(&names, Fingerprint::of(keys)),
    }
}

/// The name of a cluster without its fingerprint: `quay@owner` of `quay~3f9a0c1b2d4e5f60@owner`. It
/// is what the cluster is called in statistics, which go on when a policy changes.
#[must_use]
pub fn without_fingerprint(cluster: &str) -> Cow<'_, str> {
    let found = cluster.split_once(SIGN).and_then(|(name, rest)| {
        let (digits, rest) = rest.split_at_checked(Fingerprint::DIGITS)?;
        let is_one = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_one && (rest.is_empty() || rest.starts_with('@'))).then(|| format!("{name}{rest}"))
    });
    found.map_or(Cow::Borrowed(cluster), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_have_one_name() {
        let (a, b) = ("a~0000000000000001", "b~0000000000000002");
        assert_eq!(joined(&["a", "b"]), "a+b");
        assert_eq!(joined(&[a]), a);
        let both = joined(&[a, b]);
        assert!(both.starts_with("a+b~"), "{both}");
        assert_eq!(both.len(), "a+b~".len() + Fingerprint::DIGITS);
        assert_ne!(both, joined(&[a, "b~0000000000000003"]), "another b");
        assert_ne!(joined(&[a, "b"]), joined(&["a", "b"]));
    }

    #[test]
    fn statistics_go_on() {
        #[rustfmt::skip]
        let rows = [
            ("quay", "quay", "there is none"),
            ("quay~3f9a0c1b2d4e5f60", "quay", "a backend"),
            ("quay~3f9a0c1b2d4e5f60@owner", "quay@owner", "an owner"),
            ("a+b~3f9a0c1b2d4e5f60@last", "a+b@last", "the rest of a list"),
            ("mine~v2", "mine~v2", "a name that somebody wrote"),
            ("mine~3f9a0c1b2d4e5f60-x", "mine~3f9a0c1b2d4e5f60-x", "the same"),
            ("~", "~", "nothing"),
        ];
        for (cluster, expected, reason) in rows {
            assert_eq!(without_fingerprint(cluster), expected, "{reason}");
        }
        assert_eq!(name_of("quay~3f9a0c1b2d4e5f60"), "quay");
        assert_eq!(name_of("quay"), "quay");
    }
}
