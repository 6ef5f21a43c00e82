//! Idle timeouts of requests: never shorter than the times that the policy gives a backend.

use std::time::Duration;

use portolan_core::config::{ALONE, Backend, BackendList, Config};

/// How long a transfer may stand still. A client that unpacks a layer while it pulls the next
/// stops reading for a while; one that is cut off has a truncated blob.
///
/// While a request waits for its answer nothing moves either, and Envoy has one timer for both. A policy that
/// lets a backend take longer than this therefore lets transfers of that kind stand still for longer, too.
pub(crate) const IDLE: Duration = Duration::from_mins(5);

/// What an attempt may take beside the policy's time for it: the connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// What a request may take beside its attempts: a token is fetched, a password is looked at.
const BEFORE: Duration = Duration::from_secs(30);
/// A member of a list is asked a second time when all others have failed, and an only backend is where nothing of
/// an answer has come.
const TURNS: u32 = 2;

/// How long requests of each kind may stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Reads that several backends can answer, one after the other.
    pub(crate) several: Duration,
    /// Reads that only one backend can answer.
    pub(crate) single: Duration,
    /// Writes: from the end of the body to the answer.
    pub(crate) writes: Duration,
}

impl Patience {
    /// That of a policy.
    pub(super) fn of(config: &Config) -> Self {
        Self { several: of_lists(config), single: of_one(config), writes: of_writes(config) }
    }
}

/// For reads that several backends can answer, one after the other.
fn of_lists(config: &Config) -> Duration {
    let lists = config.lists().iter().filter(|list| list.has_fallback());
    longest(lists.map(|list| {
        let slowest = members(config, list).map(|backend| {
            let timeouts = backend.resilience().attempt_timeouts;
            timeouts.manifests.max(timeouts.blobs)
        });
        let count = u32::try_from(list.backends().len()).unwrap_or(u32::MAX);
        attempts(slowest.max().unwrap_or_default(), count.saturating_mul(TURNS))
    }))
}

/// For reads that only one backend can answer.
fn of_one(config: &Config) -> Duration {
    longest(config.backends().iter().map(|backend| {
        let alone = backend.resilience().attempt_timeouts.alone;
        let written = [alone.manifests, alone.blobs].into_iter();
        attempts(written.map(|time| time.unwrap_or(ALONE)).max().unwrap_or(ALONE), TURNS)
    }))
}

/// For writes: from the end of the body to the answer.
fn of_writes(config: &Config) -> Duration {
    longest(config.backends().iter().map(|backend| {
        let timeouts = backend.resilience().write_timeouts;
        attempts(timeouts.content.max(timeouts.session), 1)
    }))
}

/// For what is fetched from where a redirect of a backend leads.
pub(crate) fn of_redirects(backend: &Backend) -> Duration {
    longest(std::iter::once(attempts(backend.resilience().attempt_timeouts.blobs, TURNS)))
}

/// As Envoy writes it, in whole seconds.
pub(crate) fn written(idle: Duration) -> String {
    format!("{}s", idle.as_secs())
}

fn members<'c>(config: &'c Config, list: &'c BackendList) -> impl Iterator<Item = &'c Backend> {
    list.backends().iter().filter_map(|id| config.backend(*id))
}

fn attempts(each: Duration, count: u32) -> Duration {
    each.saturating_add(CONNECTING).saturating_mul(count)
}

fn longest(waits: impl Iterator<Item = Duration>) -> Duration {
    waits.max().map_or(IDLE, |wait| IDLE.max(wait.saturating_add(BEFORE)))
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Policy, Rule};

    use super::*;

    fn policy() -> Policy {
        Policy::new()
            .backend("a", Backend::at("https://a.example"))
            .backend("b", Backend::at("https://b.example"))
            .rule(Rule::all().chain(["a", "b"]).owner("a"))
    }

    /// The policy whose backends have a time of their own.
    fn with_time(class: &str, seconds: u64) -> Config {
        let time = format!("{seconds}s");
        let set = |policy: Policy, backend| {
            policy.set(&format!("/backends/{backend}/{class}"), time.as_str())
        };
        ["a", "b"].into_iter().fold(policy(), set).read_by(Config::from_json)
    }

    #[test]
    fn the_usual_times_leave_the_limit_as_it_is() {
        let config = policy().read_by(Config::from_json);
        assert_eq!(of_lists(&config), IDLE);
        assert_eq!(of_one(&config), IDLE);
        assert_eq!(of_redirects(config.backends().first().unwrap()), IDLE);
        // Five minutes for a write, and the time before it.
        assert_eq!(of_writes(&config), Duration::from_secs(335));
        assert_eq!(written(of_writes(&config)), "335s");
    }

    /// From a second to a day: what cuts a transfer off comes after what the policy says, whoever is asked.
    #[test]
    fn no_time_of_a_policy_is_cut_short() {
        let usual = policy().read_by(Config::from_json);
        for seconds in [1, 10, 59, 60, 61, 120, 180, 299, 300, 301, 600, 900, 3600, 43_200, 86_400]
        {
            let time = Duration::from_secs(seconds);
            for class in ["manifests", "blobs"] {
                let config = with_time(&format!("attempt_timeouts/{class}"), seconds);
                assert!(of_lists(&config) > time * 4, "{class}: {time:?}, both twice");
                assert!(of_one(&config) > time * 2, "{class}: {time:?}");
                if class == "blobs" {
                    let redirects = of_redirects(config.backends().first().unwrap());
                    assert!(redirects > time * 2, "{time:?}");
                }
                assert_eq!(of_writes(&config), of_writes(&usual), "writes have their own");
            }
            for class in ["content", "session"] {
                let config = with_time(&format!("write_timeouts/{class}"), seconds);
                assert!(of_writes(&config) > time, "{class}: {time:?}");
                assert_eq!(
                    (of_lists(&config), of_one(&config)),
                    (IDLE, IDLE),
                    "reads have their own"
                );
            }
        }
    }
}
