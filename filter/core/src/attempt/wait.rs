//! `Retry-After`: how long a backend asks to wait (RFC 9110 section 10.2.3).

use crate::grammar::calendar::{self, days_since_1970};

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
        let Some(until) = seconds_since_1970(text) else { return Self::UNKNOWN };
        Self::of_seconds(u32::try_from(until.saturating_sub(now)).unwrap_or(LONGEST))
    }
}

/// An `IMF-fixdate`, the one form of a date that may be generated (RFC 9110 section 5.6.7), such as
/// `Wed, 21 Oct 2026 07:28:00 GMT`. The name of the day adds nothing and is not looked at.
#[expect(clippy::arithmetic_side_effects, reason = "each part is bounded by its digits")]
fn seconds_since_1970(text: &str) -> Option<u64> {
    let (_, date) = text.split_once(", ")?;
    let date = date.strip_suffix(" GMT")?;
    let mut words = date.split(' ');
    let mut word = || words.next();
    let (day, month, year, time) = (word()?, word()?, word()?, word()?);
    let day = number(day, 2, 1..=31)?;
    let days = days_since_1970(number(year, 4, 1970..=9999)?, calendar::month(month)?, day)?;
    let mut parts = time.split(':');
    let mut part = |most| number(parts.next()?, 2, 0..=most);
    // A leap second is the 61st of its minute.
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(60)?);
    let whole = words.next().is_none() && parts.next().is_none();
    let seconds = days * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    u64::try_from(seconds).ok().filter(|_| whole)
}

fn number(text: &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.filter(|number| range.contains(number))
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
            (b"Sunday, 06-Nov-94 08:49:37 GMT", None, "an obsolete form that nobody may send"),
            (b"Sun Nov  6 08:49:37 1994", None, "another one"),
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
