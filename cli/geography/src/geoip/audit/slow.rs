//! Networks whose clients wait longer for the nearest registry than for a farther one.
//!
//! The front is asked by all, so the time until the first byte is that from the front to the
//! registry. Clients of a region that has fronts of its own come to those; where they wait longer
//! for what the policy calls near than for what it calls far, they have come to a front elsewhere,
//! or the policy has their region wrong.

use ipnet::IpNet;
use portolan_core::config::ids::RegionId;
use portolan_core::config::{Config, Rule};

use super::log::{Clients, Log};
use super::misplaced::Misplaced;

/// How many requests to each of the two say something.
const LEAST: usize = 5;
/// How much longer is longer: by a fifth, and by these milliseconds.
const MILLISECONDS: u64 = 10;

/// The networks, each with the region whose near registry is the faster one.
pub(super) fn find(config: &Config, log: &Log) -> Vec<Misplaced> {
    let found = log.networks.iter().filter(|(prefix, _)| !is_written(config, prefix));
    found.filter_map(|(prefix, clients)| of_network(config, *prefix, clients)).collect()
}

/// Whether somebody has written where exactly this network, or a part of it, is.
fn is_written(config: &Config, prefix: &IpNet) -> bool {
    let region =
        config.regions().networks().lookup(prefix.network()).and_then(|found| found.region);
    region.is_some_and(|(_, around)| prefix.contains(&around))
}

fn of_network(config: &Config, prefix: IpNet, clients: &Clients) -> Option<Misplaced> {
    for ((region, rule), times) in &clients.times {
        let Some((region, rule)) = named(config, region, rule) else { continue };
        let Some(near) = nearest(config, rule, region) else { continue };
        let Some(own) = times.get(near).and_then(|times| median(times)) else { continue };
        let others = times.iter().filter(|(backend, _)| *backend != near);
        let timed = others.filter_map(|(backend, times)| Some((median(times)?, backend)));
        let Some((best, backend)) = timed.min() else { continue };
        let margin = best.saturating_add(best / 5).saturating_add(MILLISECONDS);
        let right = config
            .regions()
            .ids()
            .find(|other| *other != region && nearest(config, rule, *other) == Some(backend));
        if let (true, Some(right)) = (own > margin, right) {
            let reason = format!(
                "`{near}`, which is near, answers in {own} ms, and `{backend}` in {best} ms"
            );
            return Some(Misplaced { prefix, region, right, reason, requests: clients.requests });
        }
    }
    None
}

/// The region and the rule of a log line, if the policy still has them.
fn named<'c>(config: &'c Config, region: &str, rule: &str) -> Option<(RegionId, &'c Rule)> {
    let regions = config.regions();
    let region = regions.ids().find(|id| regions.name(*id) == region)?;
    let rule = config.rules().all().iter().find(|known| known.name() == rule)?;
    Some((region, rule))
}

/// The first backend of a region's chain.
fn nearest<'c>(config: &'c Config, rule: &Rule, region: RegionId) -> Option<&'c str> {
    let lists = rule.chain(region)?.lists("");
    let first = *config.list(lists.digests)?.backends().first()?;
    Some(config.backend(first)?.name())
}

/// The time that half of the requests took less than; `None` where too few were made.
fn median(times: &[u64]) -> Option<u64> {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().filter(|_| times.len() >= LEAST)
}

#[cfg(test)]
mod tests {
    use super::super::misplaced::tests::policy;
    use super::*;

    /// A log of one client in the region `default`, with the times of each backend.
    fn log(client: &str, region: &str, times: &[(&str, &[u64])]) -> Log {
        let mut text = String::new();
        for (backend, times) in times {
            for time in *times {
                let line = format!(
                    "{{\"client\":\"{client}\",\"region\":\"{region}\",\"rule\":\"r\",\"backend\":\"{backend}\",\"method\":\"GET\",\"status\":200,\"attempts\":1,\"first_byte_ms\":{time}}}\n"
                );
                text.push_str(&line);
            }
        }
        let mut log = Log::default();
        log.read(text.as_bytes()).unwrap();
        log
    }

    #[test]
    fn clients_that_wait_longer_for_the_nearest_backend() {
        const SLOW: &[u64] = &[90, 95, 100, 105, 110];
        const FAST: &[u64] = &[9, 10, 10, 11, 400];
        let config = policy().read_by(Config::from_json);
        #[rustfmt::skip] // one row a case
        let rows: [(Log, Option<&str>, &str); 8] = [
            (log("192.0.2.1", "default", &[("us", SLOW), ("eu", FAST)]), Some("192.0.2.0/24 from default to eu, 10 requests: `us`, which is near, answers in 100 ms, and `eu` in 10 ms"), "the far one is faster"),
            (log("192.0.2.1", "default", &[("us", FAST), ("eu", SLOW)]), None, "the near one is"),
            (log("192.0.2.1", "eu", &[("eu", SLOW), ("us", FAST)]), Some("192.0.2.0/24 from eu to default, 10 requests"), "to the default region"),
            (log("192.0.2.1", "default", &[("us", &[20, 20, 20, 20, 20]), ("eu", &[18; 5])]), None, "hardly"),
            (log("192.0.2.1", "default", &[("us", SLOW), ("eu", &FAST[..4])]), None, "too few"),
            (log("192.0.2.1", "default", &[("us", SLOW)]), None, "nothing to compare with"),
            (log("192.0.2.1", "gone", &[("us", SLOW), ("eu", FAST)]), None, "a region of an older policy"),
            (log("8.8.0.1", "default", &[("us", SLOW), ("eu", FAST)]), Some("8.8.0.0/24 from default"), "inside of a network of the policy"),
        ];
        for (log, expected, reason) in rows {
            let found: Vec<String> = find(&config, &log)
                .iter()
                .map(|one| {
                    let name = |region| config.regions().name(region).to_owned();
                    format!(
                        "{} from {} to {}, {} requests: {}",
                        one.prefix,
                        name(one.region),
                        name(one.right),
                        one.requests,
                        one.reason
                    )
                })
                .collect();
            assert_eq!(found.len(), usize::from(expected.is_some()), "{reason}: {found:?}");
            assert!(
                expected.is_none_or(|start| found[0].starts_with(start)),
                "{reason}: {found:?}"
            );
        }
    }
}
