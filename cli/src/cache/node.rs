//! One node, as commands ask it: over HTTP, past any proxy, by the name that Envoy asks it by.

use std::io::Read;
use std::time::Duration;

use portolan_core::grammar::Digest;
use portolan_registry_client::content;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::agent;
use portolan_registry_client::peer::{PeerCertificate, trust};
use portolan_render::{CACHE_HOST, NODE_LISTING, NODE_STATISTICS};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use super::kind::Kind;
use super::listing;
use super::nodes::Place;
use super::statistics::Statistics;

/// A node that is asked.
pub(super) struct Node {
    /// Where it is.
    pub(super) place: Place,
    /// What asks; or why nothing does: a file of certificates.
    agent: Result<Agent, Fault>,
}

/// What became of content that a node holds, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is what its digest names; so many bytes.
    Right(u64),
    /// It is not, or ends early.
    Wrong(String),
    /// The node does not hold it.
    Not,
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest answer about itself that is read, in bytes.
const MOST_SAID: u64 = 4 * 1024 * 1024;
/// A node knows no repositories: any name stands for all of them.
const REPOSITORY: &str = "portolan/any";

impl Node {
    /// A node that may take `timeout` for an answer, and for the next bytes of one.
    pub(super) fn new(place: Place, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT.min(timeout)))
            .timeout_recv_response(Some(timeout))
            .timeout_per_read(Some(timeout))
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build();
        let agent = match &place.tls {
            None => Ok(config.into()),
            Some(tls) => trust(tls, &PeerCertificate::default()).map(|trust| agent(config, trust)),
        };
        Self { place, agent }
    }

    /// Whether it answers as Envoy's health checks want it.
    ///
    /// # Errors
    ///
    /// It does not.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let answer = self.ask(&Method::GET, "/v2/", None)?;
        self.expect(&answer, 200)
    }

    /// What it counts.
    ///
    /// # Errors
    ///
    /// It does not say, or not to this machine.
    pub(super) fn statistics(&self) -> Result<Statistics, Fault> {
        let answer = self.ask(&Method::GET, NODE_STATISTICS, None)?;
        self.expect(&answer, 200)?;
        let text = content::keep(answer.into_body().into_reader(), MOST_SAID)?;
        Statistics::read(&text)
            .ok_or_else(|| self.fault("what it counts is not what an Apache Traffic Server 9 says"))
    }

    /// What it holds, as it says.
    ///
    /// # Errors
    ///
    /// It does not say, or not to this machine.
    pub(super) fn list(&self) -> Result<Vec<(Kind, String)>, Fault> {
        let answer = self.ask(&Method::GET, NODE_LISTING, None)?;
        self.expect(&answer, 200)?;
        listing::read(answer.into_body().into_reader())
            .map_err(|error| self.fault(format_args!("what it holds was not said whole: {error}")))
    }

    /// Has it forget some content; whether it had it.
    ///
    /// # Errors
    ///
    /// It does not answer, or does not take this from here.
    pub(super) fn purge(&self, kind: Kind, digest: &str) -> Result<bool, Fault> {
        let purge = Method::from_bytes(b"PURGE").map_err(Fault::new)?;
        let answer = self.ask(&purge, &path(kind, digest), None)?;
        match answer.status().as_u16() {
            404 => Ok(false),
            _ => self.expect(&answer, 200).map(|()| true),
        }
    }

    /// Reads content that it holds, to its end, and hashes it.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub(super) fn verify(&self, kind: Kind, digest: &str) -> Result<Held, Fault> {
        let path = path(kind, digest);
        let answer = self.ask(&Method::GET, &path, Some(("cache-control", "only-if-cached")))?;
        // RFC 9111 section 5.2.1.7.
        if answer.status().as_u16() == 504 {
            return Ok(Held::Not);
        }
        self.expect(&answer, 200)?;
        let wanted = Digest::parse(digest.as_bytes())
            .ok_or_else(|| self.fault(format_args!("`{digest}` is no digest")))?;
        let reader: Box<dyn Read> = Box::new(answer.into_body().into_reader());
        Ok(match content::check(reader, &wanted, u64::MAX) {
            Ok(bytes) => Held::Right(bytes),
            Err(fault) => Held::Wrong(fault.to_string()),
        })
    }

    fn ask(
        &self,
        method: &Method,
        target: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Response<Body>, Fault> {
        let url = format!("{}{target}", self.place.url);
        let request = Request::builder().method(method).uri(url).header("host", CACHE_HOST);
        let request =
            header.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(()).map_err(|error| self.fault(error))?;
        let agent = self.agent.as_ref().map_err(|error| self.fault(error))?;
        agent.run(request).map_err(|error| self.fault(error))
    }

    fn expect(&self, answer: &Response<Body>, status: u16) -> Result<(), Fault> {
        match answer.status().as_u16() {
            found if found == status => Ok(()),
            403 => Err(self.fault(
                "it does not take this from here; ask from its own machine, or write this one's address into \
                 `--cache-operators` of `portolan render --target cache-node`",
            )),
            other => Err(self.fault(format_args!("it answered {other}"))),
        }
    }

    fn fault(&self, why: impl std::fmt::Display) -> Fault {
        Fault::new(format_args!("{}: {why}", self.place.url))
    }
}

fn path(kind: Kind, digest: &str) -> String {
    format!("/v2/{REPOSITORY}/{}/{digest}", kind.in_paths())
}
