//! How long a certificate is valid.

use portolan_command::date::BuildDate;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::finding::State;

/// So many days before its end a certificate is worth a look: whoever renews by machine does it at
/// 30.
const SOON: u64 = 14;

/// What is to say of a certificate in DER; `now` is in seconds since 1970.
pub(super) fn judge(der: &[u8], now: u64) -> (State, String) {
    match dates(der) {
        Some((first, last)) => of_dates(first, last, now),
        None => (State::Warning, "cannot be read".to_owned()),
    }
}

/// From when to when it is valid, in seconds since 1970 (RFC 5280 section 4.1.2.5).
fn dates(der: &[u8]) -> Option<(u64, u64)> {
    let certificate = Certificate::from_der(der).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    Some((seconds(validity.not_before), seconds(validity.not_after)))
}

fn of_dates(first: u64, last: u64, now: u64) -> (State, String) {
    let day = BuildDate::of;
    if now < first {
        return (State::Failed, format!("is valid from {} on, and not before", day(first)));
    }
    if now > last {
        return (State::Failed, format!("has expired on {}; renew it", day(last)));
    }
    let left = day(now).days_before(day(last));
    if left < SOON {
        return (State::Warning, format!("expires on {}, in {left} days; renew it", day(last)));
    }
    (State::Ok, format!("is valid until {}, {left} days from now", day(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_certificates() {
        const DAY: u64 = 86_400;
        let rows = [
            (10, 100, 50, State::Ok, "is valid until 1970-04-11, 50 days"),
            (10, 100, 86, State::Ok, "is valid until 1970-04-11, 14 days"),
            (10, 100, 87, State::Warning, "expires on 1970-04-11, in 13 days"),
            (10, 100, 101, State::Failed, "has expired on 1970-04-11"),
            (10, 100, 9, State::Failed, "is valid from 1970-01-11 on"),
        ];
        for (first, last, now, state, start) in rows {
            let (found, message) = of_dates(first * DAY, last * DAY, now * DAY);
            assert!(found == state && message.starts_with(start), "{now}: {message}");
        }
        assert_eq!(judge(b"no certificate", 0).0, State::Warning);
    }
}
