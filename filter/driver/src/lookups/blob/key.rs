//! Digests as keys of a large table.

use portolan_core::grammar::Digest;

/// A digest. That of nearly every blob takes 32 bytes instead of 71 and a block of memory of its
/// own.
///
/// Keys stand in trees: clients choose them, and a tree is as fast for the worst of them as for
/// any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Sha256([u8; 32]),
    Other(Box<str>),
}

impl Key {
    pub(super) fn of(digest: &Digest<'_>) -> Self {
        let bytes = (digest.algorithm() == "sha256").then(|| from_hexadecimal(digest.encoded()));
        match bytes.flatten() {
            Some(bytes) => Self::Sha256(bytes),
            None => Self::Other(digest.as_str().into()),
        }
    }
}

fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != bytes.len() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// The value of a hexadecimal digit. Upper case is refused: a digest of `sha256` has lower case
/// alone (OCI image spec, "SHA-256").
const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_digests_have_different_keys() {
        let hex = "0123456789abcdef".repeat(4);
        let texts = [
            format!("sha256:{hex}"),
            format!("sha256:{}", hex.replacen('0', "1", 1)),
            format!("sha256:{}", "f".repeat(64)),
            format!("sha512:{}", hex.repeat(2)),
            format!("blake3:{hex}"),
        ];
        let keys: Vec<Key> =
            texts.iter().map(|text| Key::of(&Digest::parse(text.as_bytes()).unwrap())).collect();
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(key), "{key:?}");
        }
        let Key::Sha256(bytes) = &keys[0] else { panic!("{:?}", keys[0]) };
        assert_eq!(bytes[..9], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01]);
        assert!(keys[3..].iter().all(|key| matches!(key, Key::Other(_))));
    }
}
