//! Idle timeouts of requests: never shorter than the times that the policy gives a backend.

use std::time::Duration;

use portolan_core::config::{ALONE, Backend, BackendAuth, BackendList, Config};

use super::clusters::CONNECTING_ALONE;
use super::groups::lists_of_stale_tags;
use super::upstream;

/// How long a write may stand still, and a connection between two requests.
pub(crate) const IDLE: Duration = Duration::from_mins(5);

/// What an answer of a write may take beside the policy's time for it: the connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// What a request may take beside its attempts: a token is fetched, a password is looked at.
const BEFORE: Duration = Duration::from_secs(30);

/// How long requests of each kind may stand still. Envoy has one timer for that and for the wait
/// for an answer, so a read may stand still as long as the policy says, or as long as its answer
/// may take to begin if that is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeLimits {
    /// Reads that several backends can answer, one after the other.
    pub(crate) several: Duration,
    /// Reads that only one backend can answer.
    pub(crate) single: Duration,
    /// Writes: from the end of the body to the answer.
    pub(crate) writes: Duration,
}

impl TimeLimits {
    /// That of a policy.
    pub(super) fn of(config: &Config) -> Self {
        Self { several: of_lists(config), single: of_one(config), writes: of_writes(config) }
    }
}

/// For reads that several backends can answer, one after the other. Only those that want tokens are
/// asked twice.
fn of_lists(config: &Config) -> Duration {
    let lists = config.lists().iter().filter(|list| list.has_fallback());
    let times = lists.map(|list| {
        let attempts = members(config, list).map(|backend| {
            let timeouts = backend.resilience().attempt_timeouts;
            timeouts.manifests.max(timeouts.blobs).saturating_add(connecting(backend))
        });
        let slowest = attempts.max().unwrap_or_default();
        let again = members(config, list).filter(|backend| wants_token(backend)).count();
        let count = list.backends().len().saturating_add(again);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let still = members(config, list).map(still).max().unwrap_or_default();
        still.max(slowest.saturating_mul(count).saturating_add(BEFORE))
    });
    times.chain(of_stale_tags(config)).max().unwrap_or(IDLE)
}

/// For reads by tag behind whose list a cache may answer with what the tag was: that is one attempt
/// more. An only backend has as long as it has without.
fn of_stale_tags(config: &Config) -> impl Iterator<Item = Duration> {
    lists_of_stale_tags(config).map(|list| {
        let attempts = list.iter().filter_map(|id| config.backend(*id)).map(|backend| {
            let timeouts = backend.resilience().attempt_timeouts;
            let alone = [timeouts.alone.manifests, timeouts.alone.blobs];
            let alone = alone.map(|time| time.unwrap_or(ALONE)).into_iter();
            let alone = alone.filter(|_| list.len() == 1);
            let slowest = alone.fold(timeouts.manifests.max(timeouts.blobs), Duration::max);
            slowest.saturating_add(connecting(backend))
        });
        let slowest = attempts.max().unwrap_or_default();
        let count = u32::try_from(list.len()).unwrap_or(u32::MAX).saturating_add(1);
        slowest.saturating_mul(count).saturating_add(BEFORE)
    })
}

/// For reads that only one backend can answer. It is asked for a second time where nothing was
/// sent, and where it refused a token after any time.
fn of_one(config: &Config) -> Duration {
    let answers = if upstream::marks_of_one(config) { 2 } else { 1 };
    let times = config.backends().iter().map(|backend| {
        let alone = backend.resilience().attempt_timeouts.alone;
        let written = [alone.manifests, alone.blobs].into_iter();
        let slowest = written.map(|time| time.unwrap_or(ALONE)).max().unwrap_or(ALONE);
        let connections = connecting(backend).saturating_mul(2);
        let waits = slowest.saturating_mul(answers).saturating_add(connections);
        still(backend).max(waits.saturating_add(BEFORE))
    });
    times.max().unwrap_or(IDLE)
}

/// For writes: from the end of the body to the answer. A client that sends no more of a body for so
/// long is given up as well.
fn of_writes(config: &Config) -> Duration {
    let waits = config.backends().iter().map(|backend| {
        let timeouts = backend.resilience().write_timeouts;
        let longest = timeouts.content.max(timeouts.session);
        longest.saturating_add(CONNECTING).saturating_add(BEFORE)
    });
    waits.max().map_or(IDLE, |wait| IDLE.max(wait))
}

/// For what is fetched from where a redirect of a backend leads. It is asked twice at most.
pub(crate) fn of_redirects(backend: &Backend) -> Duration {
    let attempt = backend.resilience().attempt_timeouts.blobs.saturating_add(CONNECTING_ALONE);
    still(backend).max(attempt.saturating_mul(2).saturating_add(BEFORE))
}

/// As Envoy writes it, in whole seconds.
pub(crate) fn written(idle: Duration) -> String {
    let begun = u64::from(idle.subsec_nanos() > 0);
    format!("{}s", idle.as_secs().saturating_add(begun))
}

/// How long an answer of a backend may stand still.
fn still(backend: &Backend) -> Duration {
    backend.resilience().idle_timeout
}

/// How long a connection to a backend may take at most, alone or in a list.
fn connecting(backend: &Backend) -> Duration {
    backend.resilience().connect_timeout.max(CONNECTING_ALONE)
}

const fn wants_token(backend: &Backend) -> bool {
    matches!(backend.auth(), BackendAuth::Token(_))
}

fn members<'c>(config: &'c Config, list: &'c BackendList) -> impl Iterator<Item = &'c Backend> {
    list.backends().iter().filter_map(|id| config.backend(*id))
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Policy, Rule};
    use serde_json::{Value, json};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> Policy {
        Policy::new()
            .backend("a", Backend::at("https://a.example"))
            .backend("b", Backend::at("https://b.example"))
            .rule(Rule::all().chain(["a", "b"]).owner("a"))
    }

    /// The policy whose backends have a time of their own.
    fn with_time(field: &str, seconds: u64) -> Config {
        let time = format!("{seconds}s");
        let set = |policy: Policy, backend| {
            policy.set(&format!("/backends/{backend}/{field}"), time.as_str())
        };
        ["a", "b"].into_iter().fold(policy(), set).read_by(Config::from_json)
    }

    #[test]
    fn how_long_requests_may_stand_still() {
        #[rustfmt::skip]
        let rows: [(&str, Value, [u64; 4], &str); 6] = [
            ("drained", json!(false), [120, 120, 335, 120], "the usual"),
            ("idle_timeout", json!("4m"), [240, 240, 335, 240], "a longer time"),
            ("idle_timeout", json!("1s"), [120, 120, 335, 56], "the other one has a longer one"),
            ("connect_timeout", json!("43s"), [136, 176, 335, 120], "connections"),
            ("attempt_timeouts", json!({"blobs": "100s"}), [236, 136, 335, 236], "attempts"),
            ("attempt_timeouts", json!({"blobs": "100500ms"}), [237, 137, 335, 237], "a part of one"),
        ];
        for (field, value, [several, single, writes, redirects], reason) in rows {
            let changed = policy().set(&format!("/backends/a/{field}"), value);
            let config = changed.read_by(Config::from_json);
            let found = TimeLimits::of(&config);
            let of_redirects = of_redirects(config.backends().first().unwrap());
            let found = [found.several, found.single, found.writes, of_redirects].map(written);
            let expected = [several, single, writes, redirects].map(|time| format!("{time}s"));
            assert_eq!(found, expected, "{reason}: several, single, writes, redirects");
        }
    }

    /// An only backend may refuse a token after any time, and then answers the next one.
    #[test]
    fn a_refused_token_has_time_for_another() {
        let config = Policy::new()
            .credential("robot")
            .backend("a", Backend::at("https://a.example").tokens().credential("robot"))
            .rule(Rule::of("team").chain(["a"]).readers("anyone"))
            .read_by(Config::from_json);
        assert_eq!(of_one(&config), SECOND * 156, "an answer, and another");
        let a = || Backend::at("https://a.example").with("idle_timeout", "1s");
        for (b, expected) in [(a(), 69), (a().tokens(), 82)] {
            let policy = Policy::new().backend("a", a().tokens()).backend("b", b);
            let config = policy.rule(Rule::all().chain(["a", "b"])).read_by(Config::from_json);
            assert_eq!(of_lists(&config), SECOND * expected, "two attempts, and as many more");
        }
    }

    #[test]
    fn reads_of_all_backends_have_one_time() {
        let config = with_time("idle_timeout", 1);
        assert_eq!(of_lists(&config), SECOND * 56, "two attempts, and what comes before");
        assert_eq!(of_one(&config), SECOND * 96);
    }

    /// From a second to a day: what cuts a transfer off comes after what the policy says, whoever
    /// is asked.
    #[test]
    fn no_time_of_a_policy_is_cut_short() {
        let usual = policy().read_by(Config::from_json);
        for seconds in [1, 10, 59, 60, 61, 120, 180, 299, 300, 301, 600, 900, 3600, 43_200, 86_400]
        {
            let time = Duration::from_secs(seconds);
            for class in ["manifests", "blobs"] {
                let config = with_time(&format!("attempt_timeouts/{class}"), seconds);
                assert!(of_lists(&config) > time * 2, "{class}: {time:?}, one after the other");
                assert!(of_one(&config) > time, "{class}: {time:?}");
                if class == "blobs" {
                    let redirects = of_redirects(config.backends().first().unwrap());
                    assert!(redirects > time * 2, "{time:?}");
                }
                assert_eq!(of_writes(&config), of_writes(&usual), "writes have their own");
            }
            for class in ["content", "session"] {
                let config = with_time(&format!("write_timeouts/{class}"), seconds);
                assert!(of_writes(&config) > time, "{class}: {time:?}");
                let reads = (of_lists(&config), of_one(&config));
                assert_eq!(reads, (of_lists(&usual), of_one(&usual)), "reads have their own");
            }
            let config = with_time("idle_timeout", seconds);
            assert!(of_lists(&config) >= time && of_one(&config) >= time, "{time:?}");
            assert_eq!(of_writes(&config), of_writes(&usual), "an upload waits for its client");
        }
    }
}
