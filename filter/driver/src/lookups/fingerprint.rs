//! Fingerprints of what a client sends: SipHash-2-4 with 128 bits (Aumasson and Bernstein,
//! "`SipHash`: a fast short-input PRF").
//!
//! It is a function with a secret key. Who does not know the key can neither find two values with
//! one fingerprint nor a value with the fingerprint of somebody's password; with 128 bits and a few
//! thousand entries there is nothing to be gained by trying. It needs no crate, and is a few
//! additions for each eight bytes.

/// The fingerprint of one value.
pub(super) type Fingerprint = [u8; 16];

/// The secret key.
#[derive(Clone, Copy)]
pub(super) struct Key(u64, u64);

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key(hidden)")
    }
}

impl Key {
    /// A key of two numbers that nobody knows.
    pub(super) const fn new(first: u64, second: u64) -> Self {
        Self(first, second)
    }

    /// The fingerprint of two texts. The length of the first is part of it: no two pairs run into
    /// one.
    pub(super) fn fingerprint(&self, first: &[u8], second: &[u8]) -> Fingerprint {
        let length = u64::try_from(first.len()).unwrap_or(u64::MAX).to_le_bytes();
        self.hash(length.iter().chain(first).chain(second).copied())
    }

    fn hash(&self, bytes: impl Iterator<Item = u8>) -> Fingerprint {
        let mut state = State::new(self);
        let (mut word, mut count) = (0_u64, 0_u32);
        for byte in bytes {
            let shift = (count & 7).wrapping_mul(8);
            word |= u64::from(byte).wrapping_shl(shift);
            count = count.wrapping_add(1);
            if count.trailing_zeros() >= 3 {
                state.take(word);
                word = 0;
            }
        }
        state.take(word | u64::from(count).wrapping_shl(56));
        let (low, high) = state.finish();
        (u128::from(high).wrapping_shl(64) | u128::from(low)).to_le_bytes()
    }
}

/// The four words of the function.
struct State(u64, u64, u64, u64);

impl State {
    /// With the constant that tells the form of 128 bits from the one of 64.
    const fn new(&Key(k0, k1): &Key) -> Self {
        const LONG: u64 = 0xee;
        Self(
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d ^ LONG,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        )
    }

    fn take(&mut self, word: u64) {
        self.3 ^= word;
        self.rounds(2);
        self.0 ^= word;
    }

    fn finish(mut self) -> (u64, u64) {
        self.2 ^= 0xee;
        self.rounds(4);
        let low = self.0 ^ self.1 ^ self.2 ^ self.3;
        self.1 ^= 0xdd;
        self.rounds(4);
        (low, self.0 ^ self.1 ^ self.2 ^ self.3)
    }

    fn rounds(&mut self, count: u32) {
        for _ in 0..count {
            self.0 = self.0.wrapping_add(self.1);
            self.2 = self.2.wrapping_add(self.3);
            self.1 = self.1.rotate_left(13) ^ self.0;
            self.3 = self.3.rotate_left(16) ^ self.2;
            self.0 = self.0.rotate_left(32);
            self.2 = self.2.wrapping_add(self.1);
            self.0 = self.0.wrapping_add(self.3);
            self.1 = self.1.rotate_left(17) ^ self.2;
            self.3 = self.3.rotate_left(21) ^ self.0;
            self.2 = self.2.rotate_left(32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the reference implementation's vectors: 00, 01, … 0f.
    const KEY: Key = Key(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);

    /// What is hashed is 00, 01, 02, …; the rows are of `vectors.h` (`vectors_sip128`).
    #[test]
    fn vectors() {
        #[rustfmt::skip]
        let rows: [(u8, &str); 5] = [
            (0, "a3817f04ba25a8e66df67214c7550293"),
            (1, "da87c1d86b99af44347659119b22fc45"),
            (2, "8177228da4a45dc7fca38bdef60affe4"),
            (8, "3b62a9ba6258f5610f83e264f31497b4"),
            (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        ];
        for (length, expected) in rows {
            let found = KEY.hash(0..length);
            let found: Vec<String> = found.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found.concat(), expected, "{length} bytes");
        }
    }

    #[test]
    fn different_pairs_have_different_fingerprints() {
        let pairs: [(&[u8], &[u8]); 6] =
            [(b"", b""), (b"", b"a"), (b"a", b""), (b"a", b"b"), (b"ab", b""), (b"", b"ab")];
        let found = pairs.map(|(first, second)| KEY.fingerprint(first, second));
        for (place, one) in found.iter().enumerate() {
            assert_eq!(found.iter().position(|other| other == one), Some(place), "{place}");
        }
        let other = Key(KEY.0, KEY.1 ^ 1);
        assert_ne!(KEY.fingerprint(b"a", b"b"), other.fingerprint(b"a", b"b"), "another key");
        assert_eq!(KEY.fingerprint(b"a", b"b"), KEY.fingerprint(b"a", b"b"), "the same");
    }
}
