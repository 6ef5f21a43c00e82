//! Moments as headers of HTTP have them.

use super::calendar::{self, days_since_1970};

const DAY: i64 = 86_400;
/// A year of two digits that would be more than fifty years ahead is of the past (RFC 9110 section
/// 5.6.7).
const FIFTY_YEARS: i64 = 50 * 365 * DAY;

/// The seconds since 1970 of an `HTTP-date`, such as `Wed, 21 Oct 2026 07:28:00 GMT`. A recipient
/// has to read all three forms, also the two that nobody may write any more (RFC 9110 section
/// 5.6.7). The name of the day adds nothing and is not looked at. `now` is in seconds since 1970; a
/// year of two digits is one near it.
#[must_use]
pub fn http_date(text: &str, now: u64) -> Option<u64> {
    let words: Vec<&str> = text.split(' ').collect();
    let seconds = match words.as_slice() {
        [name, day, month, year, time, "GMT"] if name.ends_with(',') => {
            let year = number(year, 4, 1970..=9999)?;
            moment(year, month, number(day, 2, 1..=31)?, time)?
        }
        [name, date, time, "GMT"] if name.ends_with(',') => rfc_850(date, time, now)?,
        // `Wed Oct 21 07:28:00 2026`; a day of one digit has two spaces before it (`asctime`).
        [_, month, day, time, year] => {
            moment(number(year, 4, 1970..=9999)?, month, number(day, 2, 10..=31)?, time)?
        }
        [_, month, "", day, time, year] => {
            moment(number(year, 4, 1970..=9999)?, month, number(day, 1, 1..=9)?, time)?
        }
        _ => return None,
    };
    u64::try_from(seconds).ok()
}

/// `Wednesday, 21-Oct-26 07:28:00 GMT` (RFC 850), without what is before the date and behind the
/// time.
fn rfc_850(date: &str, time: &str, now: u64) -> Option<i64> {
    let (day, rest) = date.split_once('-')?;
    let (month, year) = rest.split_once('-')?;
    let (day, year) = (number(day, 2, 1..=31)?, number(year, 2, 0..=99)?);
    let latest = i64::try_from(now).unwrap_or(i64::MAX).saturating_add(FIFTY_YEARS);
    let in_century = |first: i64| moment(first.checked_add(year)?, month, day, time);
    [2100, 2000, 1900].into_iter().filter_map(in_century).find(|seconds| *seconds <= latest)
}

fn moment(year: i64, month: &str, day: i64, time: &str) -> Option<i64> {
    let days = days_since_1970(year, calendar::month(month)?, day)?;
    days.checked_mul(DAY)?.checked_add(seconds(time)?)
}

/// The seconds of a day at a time such as `07:28:00`.
fn seconds(time: &str) -> Option<i64> {
    let mut parts = time.split(':');
    let mut part = |most| number(parts.next()?, 2, 0..=most);
    // A leap second is the 61st of its minute.
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(60)?);
    let in_minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    in_minutes.checked_mul(60)?.checked_add(seconds).filter(|_| parts.next().is_none())
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
    fn dates_in_each_form() {
        const NOW: u64 = 1_792_567_680;
        #[rustfmt::skip]
        let rows: &[(&str, Option<u64>, &str)] = &[
            ("Wed, 21 Oct 2026 07:28:00 GMT", Some(NOW), "as servers send it"),
            ("Wednesday, 21-Oct-26 07:28:00 GMT", Some(NOW), "of RFC 850"),
            ("Wed Oct 21 07:28:00 2026", Some(NOW), "of asctime"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777), "the example of RFC 9110"),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777), "the same: more than fifty years ahead is the past"),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777), "the same, with a day of one digit"),
            ("Sunday, 06-Nov-70 08:49:37 GMT", Some(3_182_489_377), "less than fifty years ahead"),
            ("Mon, 07 Nov 1994 00:00:60 GMT", Some(784_166_460), "a leap second"),
            ("Sun, 06 Nov 1994 08:49:37 CET", None, "in no time zone of HTTP"),
            ("Sunday, 06-Nov-94 08:49:37 CET", None, "in no time zone of HTTP"),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None, "one digit too few"),
            ("Sunday, 6-Nov-94 08:49:37 GMT", None, "one digit too few"),
            ("Sunday, 06-Nov-1994 08:49:37 GMT", None, "two digits too many"),
            ("Sunday, 06-Nov-94-1 08:49:37 GMT", None, "more behind the year"),
            ("Sun Nov 6 08:49:37 1994", None, "one space too few"),
            ("Sun Nov  16 08:49:37 1994", None, "one space too many"),
            ("Sun Nov  6 08:49:37 1994 GMT", None, "a zone where there is none"),
            ("Sun, 06 Now 1994 08:49:37 GMT", None, "no month"),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None, "no hour"),
            ("Sun, 06 Nov 1994 08:49 GMT", None, "no seconds"),
            ("Sun, 06 Nov 1994 08:49:37:00 GMT", None, "more behind the seconds"),
            ("Sun, 06 Nov 1994 08:49:37 GMT GMT", None, "more behind it"),
            ("06 Nov 1994 08:49:37 GMT", None, "no name of a day"),
            ("Thu, 01 Jan 1969 00:00:00 GMT", None, "before all time"),
            ("", None, "nothing"),
        ];
        for (text, expected, reason) in rows {
            assert_eq!(http_date(text, NOW), *expected, "{text}: {reason}");
        }
    }
}
