//! Times, sizes and speeds, as a person reads and writes them.

/// Seconds, with three digits that count: `12.3 ms`.
#[must_use]
pub fn time(seconds: f64) -> String {
    scaled(seconds, &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")])
}

/// Bytes, in units of a thousand, as networks count: `52.4 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    if bytes < 1000 { format!("{bytes} B") } else { scaled(real(bytes), &BYTES) }
}

/// Bytes a second: `117 MB/s`.
#[must_use]
pub fn speed(bytes_per_second: f64) -> String {
    format!("{}/s", scaled(bytes_per_second, &BYTES))
}

/// Bits a second: `941 Mbit/s`.
#[must_use]
pub fn bit_rate(bits_per_second: f64) -> String {
    let units = [(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s")];
    scaled(bits_per_second, &units)
}

/// A number of things: `1 layer`, `2 layers`.
pub fn counted(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

/// How many times as much: `2.3`.
#[must_use]
pub fn ratio(ratio: f64) -> String {
    digits(ratio)
}

const BYTES: [(f64, &str); 4] = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")];

/// In the greatest unit of which there is at least one; else in the last.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // What rounds up to a thousand of one unit is one of the next: `1.00 s`, not `1000 ms`.
    let fits = |(unit, _): &&(f64, &str)| value >= unit * 0.9995;
    match units.iter().find(fits).or(units.last()) {
        Some((unit, name)) => format!("{} {name}", digits(value / unit)),
        None => digits(value),
    }
}

fn digits(value: f64) -> String {
    match value {
        _ if value >= 99.95 => format!("{value:.0}"),
        _ if value >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A count as a number to reckon with; beyond 2^53 it is rounded.
#[allow(clippy::cast_precision_loss, reason = "nobody downloads 9 PB, and then rounding is right")]
#[must_use]
pub const fn real(count: u64) -> f64 {
    count as f64
}

/// Reads a size: `50MiB`, `10MB`, `1048576`.
///
/// # Errors
///
/// What to write instead.
pub fn read_size(text: &str) -> Result<u64, String> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    let unit = match unit {
        "" | "B" => Some(1),
        "kB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = unit.and_then(|unit: u64| number.parse::<u64>().ok()?.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or_else(|| {
        "write a number of bytes above zero, or one of `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, \
         such as `50MiB`"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let rows = [
            (0.0, "0.00 µs"),
            (0.000_000_4, "0.40 µs"),
            (0.000_042, "42.0 µs"),
            (0.000_999_6, "1.00 ms"),
            (0.012_34, "12.3 ms"),
            (0.123_4, "123 ms"),
            (0.999_96, "1.00 s"),
            (75.0, "75.0 s"),
            (4321.0, "4321 s"),
        ];
        for (seconds, wanted) in rows {
            assert_eq!(time(seconds), wanted, "{seconds}");
        }
    }

    #[test]
    fn sizes_and_speeds() {
        let rows = [
            (size(0), "0 B"),
            (size(999), "999 B"),
            (size(1000), "1.00 kB"),
            (size(52_428_800), "52.4 MB"),
            (speed(0.0), "0.00 B/s"),
            (speed(117.4e6), "117 MB/s"),
            (bit_rate(9.412e9), "9.41 Gbit/s"),
            (counted(1_u32, "layer"), "1 layer"),
            (counted(0_u32, "layer"), "0 layers"),
            (ratio(0.434), "0.43"),
            (ratio(12.34), "12.3"),
        ];
        for (found, wanted) in rows {
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn written_sizes() {
        let rows = [
            ("50MiB", Some(52_428_800), "as in the help"),
            ("10MB", Some(10_000_000), "a thousand thousands"),
            ("4096", Some(4096), "bytes"),
            ("1KiB", Some(1024), ""),
            ("0", None, "nothing to download"),
            ("", None, "nothing"),
            ("MiB", None, "no number"),
            ("1.5MiB", None, "a fraction"),
            ("-1", None, "negative"),
            ("50mib", None, "case matters: mb would be read as megabit"),
            ("99999999999GiB", None, "more than there is"),
        ];
        for (text, wanted, reason) in rows {
            assert_eq!(read_size(text).ok(), wanted, "{text}: {reason}");
        }
    }
}
