//! How long each step of a connection takes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport};

/// What it took to have a connection; all zero where an open one was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectTimings {
    /// Finding the addresses of the host.
    pub dns: Duration,
    /// Until the TCP connection was there: one round trip.
    pub connect: Duration,
    /// Until TLS was agreed; zero for plain HTTP.
    pub tls: Duration,
}

impl ConnectTimings {
    /// All of it.
    pub(crate) fn total(self) -> Duration {
        self.dns.saturating_add(self.connect).saturating_add(self.tls)
    }
}

/// A watch that the resolver and the connectors of one client share.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    timings: ConnectTimings,
}

/// Which step of a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Dns,
    Connect,
    Tls,
}

impl Watch {
    /// What was measured since this was asked last.
    pub(super) fn take(&self) -> ConnectTimings {
        std::mem::take(&mut self.state().timings)
    }

    fn start(&self) {
        self.state().since = Some(Instant::now());
    }

    fn end(&self, step: Step) {
        let mut state = self.state();
        let now = Instant::now();
        let lap = state.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        state.since = Some(now);
        let sum = match step {
            Step::Dns => &mut state.timings.dns,
            Step::Connect => &mut state.timings.connect,
            Step::Tls => &mut state.timings.tls,
        };
        *sum = sum.saturating_add(lap);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks each host up once: ureq asks for the addresses before it looks for an open connection, and
/// a lookup for nothing would count as the registry's time.
#[derive(Default)]
pub(super) struct TimedResolver {
    inner: DefaultResolver,
    known: Mutex<HashMap<String, ResolvedSocketAddrs>>,
    watch: Watch,
}

impl TimedResolver {
    pub(super) fn new(watch: Watch) -> Self {
        Self { watch, ..Self::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, ResolvedSocketAddrs>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TimedResolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TimedResolver")
    }
}

impl Resolver for TimedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.watch.start();
        let key = format!("{:?}{:?}", uri.scheme(), uri.authority());
        if let Some(addresses) = self.known().get(&key) {
            return Ok(addresses.clone());
        }
        let addresses = self.inner.resolve(uri, config, timeout)?;
        self.watch.end(Step::Dns);
        self.known().insert(key, addresses.clone());
        Ok(addresses)
    }
}

/// A link in the chain of connectors that says when the one before it is done.
#[derive(Debug)]
pub(super) struct Milestone {
    watch: Watch,
    step: Step,
}

impl Milestone {
    pub(super) const fn new(watch: Watch, step: Step) -> Self {
        Self { watch, step }
    }
}

impl<In: Transport> Connector<In> for Milestone {
    type Out = In;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<In>, Error> {
        if chained.is_some() {
            self.watch.end(self.step);
        }
        Ok(chained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_follow_one_another_and_add_up() {
        let watch = Watch::default();
        let pause = Duration::from_millis(5);
        let begun = Instant::now();
        watch.start();
        std::thread::sleep(pause);
        watch.end(Step::Dns);
        std::thread::sleep(pause);
        watch.end(Step::Connect);
        let whole = begun.elapsed();
        let timings = watch.take();
        assert!(
            timings.dns >= pause && timings.connect >= pause && timings.tls.is_zero(),
            "{timings:?}"
        );
        assert!(timings.total() <= whole, "{timings:?} in {whole:?}");
        assert_eq!(watch.take(), ConnectTimings::default(), "taken");
    }
}
