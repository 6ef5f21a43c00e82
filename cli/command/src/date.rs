//! The day a database's data is of. Never today's: the same input must give the same bytes.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;
const FIRST_YEAR: u64 = 1970;
/// The first second of the year 10000, which has no four-digit form.
const END_OF_CALENDAR: u64 = 253_402_300_800;

/// A moment in seconds since 1970 (`build_epoch` of a `MaxMind` DB); prints as its day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildDate(u64);

impl BuildDate {
    /// The day of so many seconds after 1970.
    #[must_use]
    pub const fn of(seconds: u64) -> Self {
        Self(seconds)
    }

    /// How many seconds after 1970 it is.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// This moment, by the clock. It says what cannot be, and never goes into a database.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs())
    }

    /// Whether it is later than `now` by more than time zones and clocks explain.
    #[must_use]
    pub fn is_after(self, now: Self) -> bool {
        self.0 > now.0.saturating_add(SECONDS_PER_DAY)
    }

    /// How many days have passed since; none if it is to come.
    #[must_use]
    pub const fn days_before(self, now: Self) -> u64 {
        now.0.saturating_sub(self.0) / SECONDS_PER_DAY
    }

    /// Midnight of the first day of its month.
    #[must_use]
    pub fn month(self) -> Self {
        let first = self.to_string().get(..7).and_then(|month| parse(&format!("{month}-01")));
        first.unwrap_or(self.day())
    }

    /// Midnight of the first day of the month before.
    #[must_use]
    pub fn month_before(self) -> Self {
        Self(self.month().0.saturating_sub(1)).month()
    }

    /// Midnight of the day.
    #[must_use]
    pub fn day(self) -> Self {
        let into_day = self.0.checked_rem(SECONDS_PER_DAY).unwrap_or(0);
        Self(self.0.saturating_sub(into_day))
    }
}

impl FromStr for BuildDate {
    type Err = String;

    /// Reads `YYYY-MM-DD` as midnight in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| {
            format!("`{text}` is not a day from 1970 on: write it as YYYY-MM-DD, like 2026-06-01")
        })
    }
}

fn parse(text: &str) -> Option<BuildDate> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let month_index = usize::try_from(month.checked_sub(1)?).ok()?;
    let lengths = month_lengths(year);
    if year < FIRST_YEAR || !(1..=*lengths.get(month_index)?).contains(&day) {
        return None;
    }
    let years: u64 = (FIRST_YEAR..year).map(days_in).sum();
    let months: u64 = lengths.iter().take(month_index).sum();
    let days = years.checked_add(months)?.checked_add(day.checked_sub(1)?)?;
    days.checked_mul(SECONDS_PER_DAY).map(BuildDate)
}

/// Digits only: `u64::from_str` would take a plus sign too.
fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn month_lengths(year: u64) -> [u64; 12] {
    let february = if is_leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn days_in(year: u64) -> u64 {
    month_lengths(year).iter().sum()
}

impl fmt::Display for BuildDate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The number may come from somebody else's file: no counting of a billion years.
        if self.0 >= END_OF_CALENDAR {
            return write!(out, "{} s after 1970", self.0);
        }
        let mut days = self.0 / SECONDS_PER_DAY;
        let mut year = FIRST_YEAR;
        while let Some(rest) = days.checked_sub(days_in(year)) {
            (days, year) = (rest, year.saturating_add(1));
        }
        let mut month = 1_u8;
        for length in month_lengths(year) {
            let Some(rest) = days.checked_sub(length) else {
                break;
            };
            (days, month) = (rest, month.saturating_add(1));
        }
        write!(out, "{year:04}-{month:02}-{:02}", days.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_printed() {
        let cases = [
            ("1970-01-01", 0),
            ("1970-12-31", 364 * SECONDS_PER_DAY),
            ("2000-02-29", 951_782_400), // divisible by 400: a leap year
            ("2100-03-01", 4_107_542_400), // divisible by 100 only: not one
            ("2024-02-29", 1_709_164_800),
            ("2026-06-01", 1_780_272_000),
            ("9999-12-31", END_OF_CALENDAR - SECONDS_PER_DAY),
        ];
        for (text, seconds) in cases {
            assert_eq!(text.parse(), Ok(BuildDate(seconds)), "{text}");
            assert_eq!(BuildDate(seconds).to_string(), text);
            let evening = BuildDate(seconds + SECONDS_PER_DAY - 1);
            assert_eq!(evening.to_string(), text, "the last second of a day is of that day");
        }
    }

    #[test]
    fn months_begin_with_a_day() {
        let rows = [
            ("2026-06-30", "2026-06-01", "2026-05-01"),
            ("2026-01-01", "2026-01-01", "2025-12-01"),
            ("2024-03-31", "2024-03-01", "2024-02-01"),
        ];
        for (day, month, before) in rows {
            let day: BuildDate = day.parse().unwrap();
            assert_eq!(
                (day.month().to_string(), day.month_before().to_string()),
                (month.into(), before.into())
            );
        }
    }

    #[test]
    fn texts_that_are_no_day_are_refused() {
        let cases = [
            "",
            "2026",
            "2026-06",
            "2026-6-1",
            "2026-06-00",
            "2026-06-31",
            "2026-13-01",
            "2026-00-01",
            "2025-02-29",
            "2100-02-29",
            "1969-12-31",
            "2026-06-01-01",
            "+026-06-01",
            "2026-06-+1",
            "06-01-2026",
            "2026/06/01",
            "today",
        ];
        for text in cases {
            let message = text.parse::<BuildDate>().expect_err(text);
            assert!(message.contains("YYYY-MM-DD"), "{message}");
        }
    }

    #[test]
    fn a_nonsense_epoch_is_printed_at_once() {
        assert_eq!(BuildDate(u64::MAX).to_string(), format!("{} s after 1970", u64::MAX));
    }
}
