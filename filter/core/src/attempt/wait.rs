//! `Retry-After`: how long a backend asks to wait (RFC 9110 section 10.2.3).

use crate::grammar::http_date;

/// A wait in seconds; none is the shortest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait(Option<u32>);

/// A day is longer than any outage here, and a longer wait is as good as none to a client.
const LONGEST: u32 = 24 * 60 * 60;

impl Wait {
    /// The backend says nothing of how long.
    pub const UNKNOWN: Self = Self(None);

    /// That many seconds, a day at most.
    #[must_use]
    pub const fn of_seconds(seconds: u32) -> Self {
        Self(Some(if seconds < LONGEST { seconds } else { LONGEST }))
    }

    /// The seconds, if the backend named any.
    #[must_use]
    pub const fn seconds(self) -> Option<u32> {
        self.0
    }

    /// Reads the header: a number of seconds, or the date until which to wait. `now` is the time in
    /// seconds since 1970, which a date is held against.
    #[must_use]
    pub fn read(value: &[u8], now: u64) -> Self {
        let Ok(text) = std::str::from_utf8(value) else { return Self::UNKNOWN };
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::of_seconds(text.parse().unwrap_or(LONGEST));
        }
        let Some(until) = http_date(text, now) else { return Self::UNKNOWN };
        Self::of_seconds(u32::try_from(until.saturating_sub(now)).unwrap_or(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_in_either_form() {
        // Sun, 06 Nov 1994 08:49:37 GMT is the example of RFC 9110.
        const NOW: u64 = 784_111_777;
        #[rustfmt::skip]
        let rows: &[(&[u8], Option<u32>, &str)] = &[
            (b"7", Some(7), "seconds"),
            (b" 7 ", Some(7), "with space around"),
            (b"0", Some(0), "at once"),
            (b"99999999999999", Some(LONGEST), "for ever"),
            (b"86401", Some(LONGEST), "more than a day"),
            (b"Sun, 06 Nov 1994 08:49:37 GMT", Some(0), "now"),
            (b"Sun, 06 Nov 1994 08:50:37 GMT", Some(60), "in a minute"),
            (b"Sun, 06 Nov 1994 08:00:00 GMT", Some(0), "in the past"),
            (b"Wed, 21 Oct 2099 07:28:00 GMT", Some(LONGEST), "in a hundred years"),
            (b"Mon, 07 Nov 1994 00:00:60 GMT", Some(54_683), "a leap second"),
            (b"Sunday, 06-Nov-94 08:50:37 GMT", Some(60), "an obsolete form, which has to be read"),
            (b"Sun Nov  6 08:50:37 1994", Some(60), "another one"),
            (b"Sun, 06 Nov 1994 08:49:37 CET", None, "in no time zone of HTTP"),
            (b"Sun, 6 Nov 1994 08:49:37 GMT", None, "one digit too few"),
            (b"Sun, 06 Nov 1994 24:49:37 GMT", None, "no hour"),
            (b"Sun, 06 Nov 1994 08:49:37 GMT GMT", None, "more behind it"),
            (b"", None, "nothing"),
            (b"-1", None, "no number"),
            (b"1.5", None, "no whole number"),
            (b"\xff", None, "no text"),
        ];
        for (value, expected, reason) in rows {
            assert_eq!(Wait::read(value, NOW).seconds(), *expected, "{reason}: {value:?}");
        }
    }

    #[test]
    fn the_longest_wait_is_the_greatest() {
        let waits = [Wait::UNKNOWN, Wait::of_seconds(3), Wait::of_seconds(20)];
        assert_eq!(waits.into_iter().max(), Some(Wait::of_seconds(20)));
    }
}
