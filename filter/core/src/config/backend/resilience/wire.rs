//! The wire form of a backend's failover knobs.

use crate::config::advice;
use crate::config::backend::resilience::{
    AloneTimeouts, AttemptTimeouts, Ejection, HealthCheck, HedgeAfter, Limits, Resilience,
    WriteTimeouts,
};
use crate::config::duration;
use crate::config::fields::{ATTEMPT_TIMEOUTS, EJECTION, HEALTH_CHECK, LIMITS, WRITE_TIMEOUTS};
use crate::config::reader::{Fields, Node};
use crate::config::wanted::Wanted;
use crate::config::wire::values::{flag, read_count, time};

/// Reads the knobs among a backend's fields; what is left out has its default.
pub(crate) fn read(fields: &Fields<'_>) -> Resilience {
    let default = Resilience::default();
    Resilience {
        attempt_timeouts: section(fields, "attempt_timeouts", default.attempt_timeouts, attempts),
        connect_timeout: time(fields, "connect_timeout", default.connect_timeout),
        hedge_after: fields.optional("hedge_after", |node| node.parse(HEDGE_AFTER, hedge_after)),
        idle_timeout: time(fields, "idle_timeout", default.idle_timeout),
        write_timeouts: section(fields, "write_timeouts", default.write_timeouts, writes),
        health_check: section(fields, "health_check", default.health_check, health_check),
        ejection: section(fields, "ejection", default.ejection, ejection),
        limits: section(fields, "limits", default.limits, limits),
        hides_missing: flag(fields, "hides_missing"),
    }
}

/// What to write where it is said when the next backend is asked too.
const HEDGE_AFTER: Wanted<'static> = Wanted::explained(
    "a length of time such as `300ms`, at least 100ms and at most one day, `usual`, or `off`",
    why_no_hedge_after,
);

/// Why a text says no time after which the next backend is asked too.
fn why_no_hedge_after(text: &str) -> Option<String> {
    match duration::parse(text) {
        Some(_) => Some("is shorter than 100ms; write at least `100ms`".to_owned()),
        None => advice::time::why(text),
    }
}

/// Reads a time, or one of the two words.
fn hedge_after(text: &str) -> Option<HedgeAfter> {
    if text == HedgeAfter::NEVER {
        return Some(HedgeAfter::Never);
    }
    if text == HedgeAfter::USUAL {
        return Some(HedgeAfter::Usual);
    }
    let time = duration::parse(text)?;
    (time >= HedgeAfter::SHORTEST).then_some(HedgeAfter::Fixed(time))
}

fn section<T>(
    fields: &Fields<'_>,
    name: &'static str,
    default: T,
    read: fn(&Node<'_>, &T) -> T,
) -> T {
    fields.optional(name, |node| Some(read(&node, &default))).unwrap_or(default)
}

fn attempts(node: &Node<'_>, default: &AttemptTimeouts) -> AttemptTimeouts {
    let fields = node.fields(&ATTEMPT_TIMEOUTS);
    let written =
        |name| fields.optional(name, |node| node.parse(advice::time::WANTED, duration::parse));
    let alone = AloneTimeouts { manifests: written("manifests"), blobs: written("blobs") };
    AttemptTimeouts {
        manifests: alone.manifests.unwrap_or(default.manifests),
        blobs: alone.blobs.unwrap_or(default.blobs),
        alone,
    }
}

fn writes(node: &Node<'_>, default: &WriteTimeouts) -> WriteTimeouts {
    let fields = node.fields(&WRITE_TIMEOUTS);
    WriteTimeouts {
        content: time(&fields, "content", default.content),
        session: time(&fields, "session", default.session),
    }
}

fn health_check(node: &Node<'_>, default: &HealthCheck) -> HealthCheck {
    let fields = node.fields(&HEALTH_CHECK);
    HealthCheck {
        interval: time(&fields, "interval", default.interval),
        timeout: time(&fields, "timeout", default.timeout),
    }
}

fn ejection(node: &Node<'_>, default: &Ejection) -> Ejection {
    let fields = node.fields(&EJECTION);
    Ejection {
        failures: count(&fields, "failures", default.failures),
        time: time(&fields, "time", default.time),
    }
}

fn limits(node: &Node<'_>, default: &Limits) -> Limits {
    let fields = node.fields(&LIMITS);
    Limits {
        connections: count(&fields, "connections", default.connections),
        requests: count(&fields, "requests", default.requests),
        pending: count(&fields, "pending", default.pending),
    }
}

fn count(fields: &Fields<'_>, name: &'static str, default: u32) -> u32 {
    fields.optional(name, |node| read_count(&node)).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn when_the_next_is_asked_too() {
        let fixed = |milliseconds| Some(HedgeAfter::Fixed(Duration::from_millis(milliseconds)));
        #[rustfmt::skip]
        let rows = [
            ("off", Some(HedgeAfter::Never), "the word for never"),
            ("usual", Some(HedgeAfter::Usual), "as the backend usually is"),
            ("300ms", fixed(300), "a time"),
            ("2s", fixed(2000), "a time"),
            ("100ms", fixed(100), "the shortest"),
            ("99ms", None, "every read would be sent twice"),
            ("Off", None, "words are in lower case"),
            ("300", None, "without a unit"),
            ("", None, "nothing"),
        ];
        for (text, expected, reason) in rows {
            assert_eq!(hedge_after(text), expected, "{text}: {reason}");
        }
    }
}
