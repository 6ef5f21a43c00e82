//! The pages of the documentation that help. A test looks that they are there.

pub(super) const AUTHENTICATION: &str = "docs/authentication.md";
pub(super) const CREDENTIALS: &str = "docs/credentials.md";
pub(super) const FAILOVER: &str = "docs/failover.md";
pub(super) const HEALTH: &str = "docs/health.md";
pub(super) const OPERATING: &str = "docs/operating.md#limits-of-registries";
pub(super) const POLICY: &str = "docs/policy.md";
pub(super) const SEVERAL: &str = "docs/operating.md#several-replicas";
pub(super) const STALE: &str = "docs/troubleshooting.md#a-new-policy-does-not-take-effect";
pub(super) const TLS: &str = "docs/tls.md";

/// All of them.
#[cfg(test)]
const ALL: [&str; 9] =
    [AUTHENTICATION, CREDENTIALS, FAILOVER, HEALTH, OPERATING, POLICY, SEVERAL, STALE, TLS];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The anchor that GitHub gives a heading.
    fn anchor(heading: &str) -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        words
            .chars()
            .filter(|one| one.is_alphanumeric() || " -".contains(*one))
            .collect::<String>()
            .replace(' ', "-")
    }

    #[test]
    fn every_page_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for page in ALL {
            let (file, wanted) = page.split_once('#').unwrap_or((page, ""));
            let text = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{page}: {error}"));
            let headings = text.lines().filter(|line| line.starts_with('#'));
            let is_there = wanted.is_empty() || headings.map(anchor).any(|found| found == wanted);
            assert!(is_there, "{page}: there is no such heading");
        }
    }
}
