//! Durations as a policy writes them.

use std::time::Duration;

/// The longest time that makes sense anywhere in a policy.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads a whole number of milliseconds, seconds, minutes or hours, more than none and at most a
/// day: `500ms`, `3s`, `5m`, `24h`. `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(60 * 60)?),
        _ => return None,
    };
    (Duration::ZERO < duration && duration <= LONGEST).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        let rows = [
            ("500ms", Some(500)),
            ("3s", Some(3000)),
            ("5m", Some(300_000)),
            ("1440m", Some(86_400_000)),
            ("1441m", None),
            ("0s", None),
            ("3", None),
            ("s", None),
            ("-3s", None),
            ("1.5s", None),
            ("3 s", None),
            ("1h", Some(3_600_000)),
            ("24h", Some(86_400_000)),
            ("25h", None),
            ("1d", None),
            ("99999999999999999999s", None),
        ];
        for (text, milliseconds) in rows {
            assert_eq!(parse(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }
}
