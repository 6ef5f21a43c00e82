//! Whether a database may take the place of another.

use portolan_command::date::BuildDate;

use super::compare::Change;
use super::examine::Examined;

/// How much may be wrong with a database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The least share of the public IPv4 addresses that it has to locate, from 0 to 1.
    pub(super) coverage: f64,
    /// The most that its coverage may be below that of the one in use.
    pub(super) coverage_loss: f64,
    /// The largest share of the addresses whose place may change.
    pub(super) change: f64,
    /// Whether its data may be older than that of the one in use.
    pub(super) older: bool,
}

impl Limits {
    /// What holds of a public database, unless it is told otherwise.
    const USUAL: Self = Self { coverage: 0.8, coverage_loss: 0.05, change: 0.1, older: false };
}

/// After how many days a database of addresses is old: they are sold and moved every day.
pub const DAYS: u64 = 62;

/// Every doubt about a database that is in use.
#[must_use]
pub fn doubts(database: &Examined, now: BuildDate) -> Vec<String> {
    let mut doubts = reasons(database, None, &Limits::USUAL, now);
    if database.date.days_before(now) > DAYS {
        doubts.push(format!("its data is of {}, and older than {DAYS} days", database.date));
    }
    doubts
}

/// Of the addresses whose country is known, one in this many may be elsewhere: networks are sold.
const KNOWN_PER_WRONG: usize = 10;
/// How many of what is wrong is shown.
const SHOWN: usize = 5;

/// Every reason against a database; none if it may take the place of `current`.
pub(super) fn reasons(
    new: &Examined,
    current: Option<(&Examined, &Change)>,
    limits: &Limits,
    now: BuildDate,
) -> Vec<String> {
    let mut reasons = Vec::new();
    if new.date.is_after(now) {
        reasons.push(format!("its data is of {}, a day to come", new.date));
    }
    if new.coverage < limits.coverage {
        reasons.push(format!(
            "it locates {} of the public IPv4 addresses, and less than {} is hardly whole \
             (--least-coverage)",
            percent(new.coverage),
            percent(limits.coverage)
        ));
    }
    reasons.extend(elsewhere(new));
    let Some((current, change)) = current else { return reasons };
    if new.date.day() < current.date.day() && !limits.older {
        reasons.push(format!(
            "its data is of {}, and that in use is of {} (--older lets it through)",
            new.date, current.date
        ));
    }
    if current.coverage - new.coverage > limits.coverage_loss {
        reasons.push(format!(
            "it locates {} of the public IPv4 addresses, and the one in use {} (--least-coverage 0 lets \
             it through)",
            percent(new.coverage),
            percent(current.coverage)
        ));
    }
    reasons.extend(changed(change, limits));
    reasons
}

/// Addresses that are known to be elsewhere.
fn elsewhere(new: &Examined) -> Option<String> {
    let sample = &new.sample;
    if sample.wrong.len() <= sample.located / KNOWN_PER_WRONG {
        return None;
    }
    let shown = sample.wrong.iter().take(SHOWN);
    let shown: Vec<String> = shown
        .map(|(address, expected, found)| format!("{address} in {found}, not in {expected}"))
        .collect();
    Some(format!(
        "it puts {} of {} addresses into another country than theirs: {}",
        sample.wrong.len(),
        sample.located,
        shown.join("; ")
    ))
}

/// More clients that move than a month explains.
fn changed(change: &Change, limits: &Limits) -> Option<String> {
    let most = change.ipv4.max(change.ipv6);
    if most <= limits.change {
        return None;
    }
    let family = if change.ipv4 >= change.ipv6 { "IPv4" } else { "IPv6" };
    let moves = change.moves.iter().take(SHOWN);
    let moves: Vec<String> =
        moves.map(|(from, to, share)| format!("{} from {from} to {to}", percent(*share))).collect();
    let list = if moves.is_empty() { String::new() } else { format!(": {}", moves.join(", ")) };
    Some(format!(
        "{} of the {family} addresses change their place, and more than {} is no usual update \
         (--most-changed){list}",
        percent(most),
        percent(limits.change)
    ))
}

/// A share for people: `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geoip::known::Sample;
    use crate::geoip::location::Location;

    const LIMITS: Limits = Limits { coverage: 0.8, coverage_loss: 0.05, change: 0.1, older: false };

    fn examined(date: &str, coverage: f64, wrong: usize) -> Examined {
        let wrong = (0..wrong).map(|_| {
            let place = Location::parse("FR", "").unwrap().unwrap();
            ("192.0.2.1".parse().unwrap(), "DE".to_owned(), place)
        });
        Examined {
            bytes: vec![],
            date: date.parse().unwrap(),
            segments: vec![],
            countries: 1,
            subdivisions: 0,
            coverage,
            sample: Sample { located: 20, wrong: wrong.collect() },
        }
    }

    fn told(new: &Examined, current: Option<(&Examined, &Change)>, limits: &Limits) -> Vec<String> {
        reasons(new, current, limits, "2026-07-15".parse().unwrap())
    }

    #[test]
    fn a_good_one_takes_the_place_of_an_older_one() {
        let current = examined("2026-06-01", 0.97, 2);
        let change = Change { ipv4: 0.02, ipv6: 0.04, moves: vec![] };
        let new = examined("2026-07-01", 0.96, 2);
        assert_eq!(told(&new, Some((&current, &change)), &LIMITS), [""; 0]);
        assert_eq!(told(&new, None, &LIMITS), [""; 0]);
    }

    #[test]
    fn each_reason_alone() {
        let current = examined("2026-06-01", 0.97, 0);
        let still = Change::default();
        let moved =
            |ipv4, ipv6| Change { ipv4, ipv6, moves: vec![("DE".into(), "nowhere".into(), 0.25)] };
        #[rustfmt::skip] // one row a case
        let rows = [
            (examined("2026-07-17", 0.97, 0), still, "its data is of 2026-07-17, a day to come"),
            (examined("2026-07-01", 0.97, 3), Change::default(), "it puts 3 of 20 addresses into another country than theirs: 192.0.2.1 in FR, not in DE"),
            (examined("2026-05-01", 0.97, 0), Change::default(), "its data is of 2026-05-01, and that in use is of 2026-06-01 (--older"),
            (examined("2026-07-01", 0.90, 0), Change::default(), "it locates 90.0 % of the public IPv4 addresses, and the one in use 97.0 %"),
            (examined("2026-07-01", 0.97, 0), moved(0.5, 0.2), "50.0 % of the IPv4 addresses change their place, and more than 10.0 % is no usual update (--most-changed): 25.0 % from DE to nowhere"),
            (examined("2026-07-01", 0.97, 0), moved(0.01, 0.2), "20.0 % of the IPv6 addresses change"),
        ];
        for (new, change, expected) in rows {
            let found = told(&new, Some((&current, &change)), &LIMITS);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:#?}");
        }
        let small = examined("2026-07-01", 0.5, 0);
        let found = told(&small, None, &LIMITS);
        assert!(
            found.len() == 1 && found[0].contains("less than 80.0 % is hardly whole"),
            "{found:?}"
        );
    }

    #[test]
    fn limits_that_accept_everything_let_a_database_through() {
        let limits = Limits { coverage: 0.0, coverage_loss: 1.0, change: 1.0, older: true };
        let current = examined("2026-06-01", 0.97, 0);
        let change = Change { ipv4: 1.0, ipv6: 1.0, moves: vec![] };
        let new = examined("2026-05-01", 0.01, 0);
        assert_eq!(told(&new, Some((&current, &change)), &limits), [""; 0]);
    }
}
