//! Mistakes in a duration.

use crate::config::advice::text::shown;
use crate::config::duration;
use crate::config::wanted::Wanted;

/// What to write where a length of time is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "a length of time such as `500ms`, `3s`, `5m` or `24h`, at most one day",
    why,
);

/// Why a text is no length of time.
pub(crate) fn why(text: &str) -> Option<String> {
    // A length of time, which is refused because of what the field says of it.
    if duration::parse(text).is_some() {
        return None;
    }
    let compact: String = text.chars().filter(|c| !c.is_whitespace() && *c != '_').collect();
    if compact != text && duration::parse(&compact).is_some() {
        return Some(format!("has a space or a `_` in it; write `{compact}`"));
    }
    if let Some(rest) = compact.strip_prefix('-') {
        return Some(format!("is less than nothing; write a time such as `{}`", or_example(rest)));
    }
    if let Some(seconds) = clock(&compact) {
        return Some(format!("is written as a clock shows it; write `{}`", or_example(&seconds)));
    }
    let end = compact.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(compact.len());
    let (number, unit) = compact.split_at_checked(end)?;
    if let Some(rest) = compact.strip_prefix("PT") {
        let time = or_example(&rest.to_ascii_lowercase());
        return Some(format!("is written as ISO 8601 has it; write `{time}`"));
    }
    if number.is_empty() {
        return None;
    }
    if unit.is_empty() {
        return Some(format!("has no unit; write `{}`", or_example(&format!("{number}s"))));
    }
    let Some((known, milliseconds)) = unit_of(unit) else {
        return Some(bad_unit(&compact, unit));
    };
    if number.contains('.') {
        let whole =
            in_milliseconds(number, milliseconds).filter(|time| duration::parse(time).is_some());
        let whole = whole.unwrap_or_else(|| "500ms".to_owned());
        return Some(format!("has a fraction; write a whole number, such as `{whole}`"));
    }
    if known != unit || known == "d" {
        let number: u64 = number.parse().ok()?;
        let time = if known == "d" {
            format!("{}h", number.saturating_mul(24))
        } else {
            format!("{number}{known}")
        };
        return Some(format!("has the unit `{}`; write `{}`", shown(unit), or_example(&time)));
    }
    Some(if number.bytes().all(|byte| byte == b'0') {
        "is no time at all; write more than nothing, such as `1s`".to_owned()
    } else {
        "is longer than a day; write at most `24h`".to_owned()
    })
}

/// A time that is accepted: this one, or else an example.
fn or_example(time: &str) -> String {
    if duration::parse(time).is_some() { time.to_owned() } else { "10s".to_owned() }
}

/// The policy's own word for a unit that is written in another way, and how many milliseconds it
/// is.
fn unit_of(unit: &str) -> Option<(&'static str, u64)> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => ("ms", 1),
        "s" | "sec" | "secs" | "second" | "seconds" => ("s", 1000),
        "m" | "min" | "mins" | "minute" | "minutes" => ("m", 60_000),
        "h" | "hr" | "hrs" | "hour" | "hours" => ("h", 3_600_000),
        "d" | "day" | "days" => ("d", 86_400_000),
        _ => return None,
    })
}

fn bad_unit(text: &str, unit: &str) -> String {
    let has_several = unit.bytes().any(|byte| byte.is_ascii_digit());
    if has_several {
        let sum = sum(text).unwrap_or_else(|| "90s".to_owned());
        return format!("has two units; write one: `{}`", or_example(&sum));
    }
    format!("has the unit `{}`; the units are `ms`, `s`, `m` and `h`", shown(unit))
}

/// `10m30s` in its smallest unit: `630s`.
fn sum(text: &str) -> Option<String> {
    let mut rest = text;
    let mut total = 0_u64;
    let mut last = ("s", 1000);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at_checked(end)?;
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(end)?;
        last = unit_of(unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(last.1)?)?;
        rest = behind;
    }
    let (unit, milliseconds) = last;
    let is_whole = total.is_multiple_of(milliseconds);
    is_whole
        .then(|| total.checked_div(milliseconds))
        .flatten()
        .map(|count| format!("{count}{unit}"))
}

/// `01:30:00` in seconds: `5400s`.
fn clock(text: &str) -> Option<String> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match *parts.as_slice() {
        [minutes, seconds] => (0, minutes, seconds),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    Some(format!("{}s", minutes.checked_mul(60)?.checked_add(seconds)?))
}

/// `1.5` of a unit of 1000 ms is `1500ms`.
fn in_milliseconds(number: &str, unit: u64) -> Option<String> {
    let (whole, fraction) = number.split_once('.')?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = u32::try_from(fraction.len()).ok()?;
    let part: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let part = part.checked_mul(unit)?.checked_div(10_u64.checked_pow(digits)?)?;
    Some(format!("{}ms", whole.checked_mul(unit)?.checked_add(part)?))
}
