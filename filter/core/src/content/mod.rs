//! Checks bytes against a digest (OCI image spec, "Digests": "Verification").

use sha2::{Digest as _, Sha256};

use crate::grammar::Digest;

/// The only algorithm: no other is kept by caches, and `sha512` is next to unused.
const ALGORITHM: &str = "sha256";

/// What a body has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    hash: [u8; 32],
    length: Option<u64>,
}

impl Expected {
    /// The content of a digest; `length` is how many bytes are announced. `None` for a digest that
    /// is not of `sha256`.
    #[must_use]
    pub fn new(digest: &Digest<'_>, length: Option<u64>) -> Option<Self> {
        let mut hash = [0; 32];
        let pairs = digest.encoded().as_bytes().chunks_exact(2);
        if digest.algorithm() != ALGORITHM || pairs.len() != hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self { hash, length })
    }
}

/// What is known of a body so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What has come may go on.
    Passes,
    /// The last bytes have come, and it is other content: they must go no further.
    Wrong,
}

/// A body that is looked at while it passes. Nothing of it is kept.
#[derive(Clone, Debug)]
pub struct Check {
    hash: Sha256,
    expected: Expected,
    /// How many bytes were there.
    seen: u64,
    verdict: Option<Verdict>,
}

impl Check {
    /// The check of a body of which nothing is there yet.
    #[must_use]
    pub fn new(expected: Expected) -> Self {
        Self { hash: Sha256::new(), expected, seen: 0, verdict: None }
    }

    /// Takes in the next bytes. They must not go on before [`Check::verdict`] has said that they
    /// may.
    pub fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.seen = self.seen.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// What becomes of what was taken in; `is_end` says that nothing follows. With an announced
    /// length the last byte is known for the last one when it comes; without one the end itself is
    /// what is held back.
    pub fn verdict(&mut self, is_end: bool) -> Verdict {
        if let Some(verdict) = self.verdict {
            return verdict;
        }
        let is_whole = self.expected.length.is_some_and(|length| self.seen >= length);
        if !is_end && !is_whole {
            return Verdict::Passes;
        }
        let is_right = self.hash.clone().finalize()[..] == self.expected.hash;
        let verdict = if is_right { Verdict::Passes } else { Verdict::Wrong };
        self.verdict = Some(verdict);
        verdict
    }
}

#[cfg(test)]
mod tests;
