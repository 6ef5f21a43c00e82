//! Days of the Gregorian calendar, for the dates in headers and in answers of token services.

/// The months as HTTP writes them (RFC 9110 section 5.6.7), January first.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The number of a month, 1 to 12, by its name in HTTP.
pub(crate) fn month(name: &str) -> Option<i64> {
    MONTHS.iter().zip(1_i64..).find(|(known, _)| **known == name).map(|(_, number)| number)
}

/// Days from 1 January 1970 to a day, fewer than none before it. `None` if there is no such month
/// or day of a month. March is taken for the first month, so that a leap day ends a year.
pub(crate) fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    const UP_TO_1970: i64 = 719_469;
    let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
    let shifted = month.checked_add(9)?.checked_rem(12)?;
    let year = if month < 3 { year.checked_sub(1)? } else { year };
    let leap_days =
        year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    // Of five months from March on, and again from August on, three have 31 days.
    let in_year = shifted.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?;
    let days = year.checked_mul(365)?.checked_add(leap_days)?.checked_add(in_year)?;
    days.checked_sub(UP_TO_1970).filter(|_| is_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_on_one_by_one() {
        let mut expected = 0;
        for year in 1970..2500 {
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length {
                    assert_eq!(days_since_1970(year, month, day), Some(expected));
                    expected += 1;
                }
            }
        }
    }
}
