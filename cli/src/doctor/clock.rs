//! Whether two clocks agree.

use std::time::Duration;

use portolan_core::grammar::http_date;

use super::finding::State;

/// How far two clocks may be apart: what issuers of tokens commonly forgive.
const TOLERANCE: u64 = 60;

/// What a server's `Date` says of its clock, and of this machine's. `now` is in seconds since 1970,
/// `took` how long the answer took. `None` for what is no date.
pub(super) fn judge(date: &str, now: u64, took: Duration) -> Option<(State, String)> {
    let theirs = http_date(date, now)?;
    let apart = theirs.abs_diff(now);
    // The server's clock was read while the request was under way.
    if apart <= TOLERANCE.saturating_add(took.as_secs()) {
        return Some((State::Ok, "agrees with this machine's".to_owned()));
    }
    let how = if theirs > now { "ahead of" } else { "behind" };
    let message = format!(
        "is {} {how} this machine's; set the wrong one right, or tokens and signatures are refused",
        length(apart)
    );
    Some((State::Failed, message))
}

/// A length of time as a person says it.
fn length(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_euclid(60)),
        7200..172_800 => format!("{} h", seconds.div_euclid(3600)),
        _ => format!("{} days", seconds.div_euclid(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        // The example of RFC 9110 section 5.6.7; `date -u -d @784111777`.
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const THEN: u64 = 784_111_777;
        let rows = [
            (THEN, 0, State::Ok, "agrees"),
            (THEN + 60, 0, State::Ok, "agrees"),
            (THEN + 70, 10, State::Ok, "agrees"),
            (THEN + 61, 0, State::Failed, "is 61 s behind"),
            (THEN - 7200, 0, State::Failed, "is 2 h ahead of"),
            (THEN - 600, 0, State::Failed, "is 10 min ahead of"),
            (THEN + 86_400 * 365, 0, State::Failed, "is 365 days behind"),
        ];
        for (now, took, state, start) in rows {
            let (found, message) = judge(DATE, now, Duration::from_secs(took)).unwrap();
            assert!(found == state && message.starts_with(start), "{now}: {message}");
        }
        for none in ["", "yesterday", "Sun, 06 Nov 1994", "Sun, 06 Xyz 1994 08:49:37 GMT"] {
            assert_eq!(judge(none, THEN, Duration::ZERO), None, "{none}");
        }
    }
}
