//! Moments as headers of HTTP have them.

use super::calendar::{self, days_since_1970};

/// The seconds since 1970 of an `IMF-fixdate`, the one form of a date that may be generated (RFC 9110 section 5.6.7), such as
/// `Wed, 21 Oct 2026 07:28:00 GMT`. The name of the day adds nothing and is not looked at.
#[expect(clippy::arithmetic_side_effects, reason = "each part is bounded by its digits")]
#[must_use]
pub fn http_date(text: &str) -> Option<u64> {
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
