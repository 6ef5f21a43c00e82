//! The age of a token, by the clock of the token service.

use std::time::Duration;

use crate::grammar::{calendar::days_since_1970, http_date};

/// The time from `issued_at` (RFC 3339) to `Date` (RFC 9110 section 5.6.7). `None` if one of them
/// cannot be read, or if the token is of the future.
pub(super) fn age(issued_at: &str, date: &[u8]) -> Option<Duration> {
    let issued = u64::try_from(read_timestamp(issued_at)?).ok()?;
    let now = http_date(std::str::from_utf8(date).ok()?.trim(), issued)?;
    now.checked_sub(issued).map(Duration::from_secs)
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
    fn ages() {
        #[rustfmt::skip]
        let rows: &[(&str, &[u8], Option<Duration>, &str)] = &[
            ("2026-10-21T07:27:00Z", b"Wed, 21 Oct 2026 07:28:00 GMT", Some(Duration::from_mins(1)), "as servers send it"),
            ("2026-10-21T07:27:00Z", b"Wednesday, 21-Oct-26 07:28:00 GMT", Some(Duration::from_mins(1)), "an obsolete form"),
            ("2026-10-21T07:29:00Z", b"Wed, 21 Oct 2026 07:28:00 GMT", None, "of the future"),
            ("1969-12-31T23:59:59Z", b"Wed, 21 Oct 2026 07:28:00 GMT", None, "before all time"),
            ("2026-10-21T07:27:00Z", b"Wed, 21 Okt 2026 07:28:00 GMT", None, "no month"),
            ("2026-10-21T07:27:00Z", b"", None, "nothing"),
            ("2026-10-21T07:27:00Z", b"\xff", None, "no text"),
        ];
        for (issued_at, date, expected, reason) in rows {
            assert_eq!(age(issued_at, date), *expected, "{issued_at}: {reason}");
        }
    }
}
