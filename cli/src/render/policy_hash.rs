//! By what two policies are told apart: in the log, in the metrics, on a screen.

use ring::digest::{SHA256, digest};

/// How many digits of the hash are shown.
const DIGITS: usize = 12;

/// The first digits of the SHA-256 of a policy as the filter reads it, which is what `portolan render
/// --filter-configuration` prints.
pub(super) fn of(policy_json: &str) -> String {
    let hash = digest(&SHA256, policy_json.as_bytes());
    let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    digits.chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hash_is_the_beginning_of_sha256() {
        assert_eq!(super::of(""), "e3b0c44298fc");
        assert_eq!(super::of("abc"), "ba7816bf8f01");
    }
}
