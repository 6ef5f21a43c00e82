//! A hash of the name of a repository, the same in every process.

/// FNV-1a, 64 bits: the same in every process, worker, platform and version, which the
/// standard library's hashes do not promise.
pub(crate) fn stable_hash(repository: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    repository.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference values of the hash's authors.
    #[test]
    fn known_values() {
        assert_eq!(stable_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(stable_hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(stable_hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
