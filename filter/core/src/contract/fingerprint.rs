//! A short name for a long text: the same for ever and on every machine.

use std::fmt;

/// A fingerprint of 64 bits, FNV-1a (Fowler, Noll, Vo): sixteen hexadecimal digits when it is
/// printed.
///
/// It tells apart what one operator wrote at different times, by mistake or on purpose. It is no
/// secret and no signature: who may write a policy could find two texts with one fingerprint, and
/// gains nothing by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Fingerprint {
    /// The fingerprint of some texts in their order. Each ends with a zero byte, which none of them
    /// has, so that `ab` and `c` are not `a` and `bc`.
    pub fn of<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut hash = OFFSET;
        for text in texts {
            for byte in text.as_ref().iter().copied().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        }
        Self(hash)
    }

    /// How many digits it has when it is printed.
    pub(crate) const DIGITS: usize = 16;
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the authors, for texts without the byte at the end:
    /// <http://www.isthe.com/chongo/tech/comp/fnv/>.
    #[test]
    fn vectors() {
        let rows =
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")];
        for (text, expected) in rows {
            let plain = text
                .bytes()
                .fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
            assert_eq!(format!("{plain:016x}"), expected, "{text}");
            let ended = Fingerprint(plain.wrapping_mul(PRIME));
            assert_eq!(Fingerprint::of([text]), ended, "{text}: a zero byte changes no bit before");
        }
    }

    #[test]
    fn where_one_text_ends_and_the_next_begins_counts() {
        let all = [
            Fingerprint::of(["ab", "c"]),
            Fingerprint::of(["a", "bc"]),
            Fingerprint::of(["abc"]),
            Fingerprint::of(["abc", ""]),
            Fingerprint::of(["c", "ab"]),
        ];
        for (place, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(place));
        }
        assert_eq!(Fingerprint::of(["ab", "c"]).to_string().len(), Fingerprint::DIGITS);
    }
}
