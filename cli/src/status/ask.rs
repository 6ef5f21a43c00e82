//! Asks Envoys how they are.

use std::time::Duration;

use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::{Answer, Ask, Client, ClientOptions};
use portolan_registry_client::tls::Trust;
use portolan_registry_client::url::absolute;
use ureq::http::Uri;

use super::arguments::Target;
use super::instance::{Observation, Said};
use super::scrape::Scrape;

/// How long an Envoy may take for an answer. While it compiles the filter it takes seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes. A policy of many thousand lists has 150 MB of metrics
/// on the admin interface.
const LONGEST: u64 = 512 * 1024 * 1024;

/// The metrics listener's, then the admin interface's, which has no `/metrics`.
const METRICS: [&str; 2] = ["/metrics", "/stats/prometheus?usedonly"];
const HEALTH: &str = "/healthcheck";

/// Envoys, and a connection to each.
pub(super) struct Envoys(Vec<(Target, Client)>);

impl Envoys {
    /// None is asked yet.
    ///
    /// # Errors
    ///
    /// Not on any system: see [`Trust::of_the_system`].
    pub(super) fn at(targets: &[Target]) -> Result<Self, Fault> {
        let options =
            ClientOptions { trust: Trust::of_the_system()?, timeout: PATIENCE, uses_proxy: false };
        Ok(Self(targets.iter().map(|one| (one.clone(), Client::new(&options))).collect()))
    }

    /// What each of them says now; all are asked at the same time, so that one that hangs keeps
    /// nobody.
    pub(super) fn ask(&self) -> Vec<Observation> {
        std::thread::scope(|scope| {
            let asked = self.0.iter().map(|(target, client)| scope.spawn(|| ask(target, client)));
            let asked: Vec<_> = asked.collect();
            asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    }
}

fn ask(target: &Target, client: &Client) -> Observation {
    let said = said(&target.url, client).map_err(|fault| fault.to_string());
    Observation { address: target.name.clone(), said }
}

fn said(base: &Uri, client: &Client) -> Result<Said, Fault> {
    let mut answer = get(base, METRICS[0], client)?;
    if answer.status == 404 {
        answer.discard();
        answer = get(base, METRICS[1], client)?;
    }
    if answer.status != 200 {
        return Err(Fault::new(format_args!("{base} answers {}", answer.status)));
    }
    let text = String::from_utf8(answer.into_bytes(LONGEST)?).map_err(Fault::new)?;
    let scrape = Scrape::read(&text).map_err(Fault::new)?;
    let health = get(base, HEALTH, client)?;
    let is_told = matches!(health.status, 200 | 503);
    let body = health.into_bytes(LONGEST)?;
    let health = is_told.then(|| serde_json::from_slice(&body).ok()).flatten();
    Ok(Said { scrape, health })
}

fn get(base: &Uri, target: &str, client: &Client) -> Result<Answer, Fault> {
    let base = base.to_string();
    let url = format!("{}{target}", base.trim_end_matches('/'));
    let url = absolute(&url).ok_or_else(|| Fault::new(format_args!("{url} is no URL")))?;
    client.send(&Ask::get(url))
}
