//! The age of a token, by the clock of the token service.

use std::time::Duration;

use crate::grammar::calendar::{self, days_since_1970};

/// The time from `issued_at` (RFC 3339) to `Date` (RFC 9110 section 5.6.7, the form that servers
/// send). `None` if one of them cannot be read, or if the token is of the future.
pub(super) fn age(issued_at: &str, date: &[u8]) -> Option<Duration> {
    let now = read_date(std::str::from_utf8(date).ok()?)?;
    let seconds = now.checked_sub(read_timestamp(issued_at)?)?;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

/// `2026-10-21T07:28:00Z`, with a fraction that does not count, or with an offset.
fn read_timestamp(text: &str) -> Option<i64> {
    let (day, time) = text.split_once(['T', 't', ' '])?;
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (clock, behind) = time.split_at_checked(8)?;
    let zone = behind.trim_start_matches(|it: char| it == '.' || it.is_ascii_digit());
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        ("+", offset) => read_offset(offset)?,
        ("-", offset) => read_offset(offset)?.checked_neg()?,
        _ => return None,
    };
    let days = days_since_1970(number(year)?, number(month)?, number(day)?)?;
    seconds(days, clock)?.checked_sub(offset)
}

/// `07:28`, in seconds.
fn read_offset(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    number(hours)?.checked_mul(3600)?.checked_add(number(minutes)?.checked_mul(60)?)
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`.
fn read_date(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.strip_suffix(" GMT")?.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let days = days_since_1970(number(year)?, calendar::month(month)?, number(day)?)?;
    seconds(days, parts.next()?)
}

/// Seconds since 1970 of a clock such as `07:28:00` on a day.
fn seconds(days: i64, clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let in_minutes = number(hours)?.checked_mul(60)?.checked_add(number(minutes)?)?;
    let of_day = in_minutes.checked_mul(60)?.checked_add(number(seconds)?)?;
    days.checked_mul(86_400)?.checked_add(of_day)
}

/// Digits alone, at most four.
fn number(text: &str) -> Option<i64> {
    let is_number = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        #[rustfmt::skip]
        let rows: &[(&str, Option<i64>, &str)] = &[
            ("1970-01-01T00:00:00Z", Some(0), "the beginning"),
            ("2000-02-29T12:00:00Z", Some(951_825_600), "a leap day"),
            ("2026-10-21T07:28:00Z", Some(1_792_567_680), "now"),
            ("2026-10-21T07:28:00.123456789Z", Some(1_792_567_680), "as Go writes it"),
            ("2026-10-21T09:28:00+02:00", Some(1_792_567_680), "another zone"),
            ("2026-10-21T02:28:00-05:00", Some(1_792_567_680), "another zone"),
            ("2026-10-21t07:28:00z", Some(1_792_567_680), "lower case (RFC 3339 section 5.6)"),
            ("2026-12-31T23:59:59Z", Some(1_798_761_599), "the end of a year"),
            ("2027-01-01T00:00:00Z", Some(1_798_761_600), "the next second"),
            ("2026-10-21T07:28:00", None, "no zone"),
            ("2026-13-21T07:28:00Z", None, "no month"),
            ("2026-10-21T07:28Z", None, "no seconds"),
            ("2026-10-21", None, "no time"),
            ("1792567680", None, "seconds"),
            ("", None, "nothing"),
        ];
        for (text, expected, reason) in rows {
            assert_eq!(read_timestamp(text), *expected, "{text}: {reason}");
        }
    }

    #[test]
    fn dates() {
        #[rustfmt::skip]
        let rows: &[(&str, Option<i64>, &str)] = &[
            ("Wed, 21 Oct 2026 07:28:00 GMT", Some(1_792_567_680), "as servers send it"),
            ("Wed, 21 Okt 2026 07:28:00 GMT", None, "no month"),
            ("Wed, 21 Oct 2026 07:28:00 CET", None, "another zone"),
            ("Wednesday, 21-Oct-26 07:28:00 GMT", None, "a form that nobody sends any more"),
            ("", None, "nothing"),
        ];
        for (text, expected, reason) in rows {
            assert_eq!(read_date(text), *expected, "{text}: {reason}");
        }
        let now = b"Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(age("2026-10-21T07:27:00Z", now), Some(Duration::from_mins(1)));
        assert_eq!(age("2026-10-21T07:29:00Z", now), None, "of the future");
        assert_eq!(age("2026-10-21T07:27:00Z", b"\xff"), None);
    }
}
