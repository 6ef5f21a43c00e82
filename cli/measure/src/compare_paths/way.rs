//! One way, gone once.

use std::fmt;
use std::time::{Duration, Instant};

use portolan_registry_client::content::discard_body;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::{Answer, Ask, Client, ClientOptions, Hop, without_query};
use portolan_registry_client::manifest::Layer;
use portolan_registry_client::registry::{Registry, Side, refusal};
use portolan_registry_client::url::host;
use ureq::http::Uri;

/// The least download that says how fast a way is, in bytes. What is shorter is over before TCP has
/// found out how much it may send, and mostly lies in buffers.
pub(super) const LEAST_FOR_SPEED: u64 = 1024 * 1024;

/// Whose way it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// One of the two registries.
    Registry(Side),
    /// A URL beside them, by its host.
    Other(String),
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(side) => side.fmt(out),
            Self::Other(host) => out.pad(host),
        }
    }
}

/// What lies at the end of a way.
#[derive(Debug)]
pub(super) enum Goal {
    /// A registry's answer to its ping, whatever it says. Nothing is downloaded.
    Ping(Uri),
    /// A layer of an image.
    Layer(Box<Registry>, Layer),
    /// Whatever is at a URL.
    Url(Uri),
}

/// A way to be measured.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) role: Role,
    pub(super) goal: Goal,
}

/// What one walk took. Redirects add to each of the times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Probe {
    /// Seconds to find addresses.
    pub(super) dns: f64,
    /// Seconds until TCP connections were there.
    pub(super) connect: f64,
    /// The part of that to the server that was named, and not where it redirected: a round trip.
    pub(super) round_trip: f64,
    /// Seconds to agree on TLS; none over plain HTTP.
    pub(super) tls: Option<f64>,
    /// Seconds from the request until the head of the answer.
    pub(super) first_byte: f64,
    /// How many bytes were downloaded.
    pub(super) bytes: u64,
    /// In how many seconds, from the head of the answer on.
    pub(super) download: f64,
    /// The host that the content came from.
    pub(super) host: String,
    /// How many redirects led there.
    pub(super) redirects: usize,
}

impl Way {
    /// What is asked for, to be shown.
    pub(super) fn url(&self) -> String {
        match &self.goal {
            Goal::Ping(url) | Goal::Url(url) => without_query(url),
            Goal::Layer(registry, layer) => {
                let name = registry.image().repository();
                format!("{}/v2/{name}/blobs/{}", registry.url(), layer.digest.as_str())
            }
        }
    }

    /// The host that is named.
    pub(super) fn host(&self) -> String {
        match &self.goal {
            Goal::Ping(url) | Goal::Url(url) => host(url),
            Goal::Layer(registry, _) => registry.host().to_owned(),
        }
    }

    /// Goes there once, and downloads at most so many bytes. Content is not checked: most downloads
    /// end before the content does.
    ///
    /// # Errors
    ///
    /// There is no answer, or not the one that was wanted.
    pub(super) fn walk(&mut self, options: &ClientOptions, most: u64) -> Result<Probe, Fault> {
        let answer = match &mut self.goal {
            Goal::Ping(url) => return pinged(&Client::new(options).send(&Ask::get(url.clone()))?),
            Goal::Url(url) => fetched(Client::new(options).send(&Ask::get(url.clone()))?)?,
            Goal::Layer(registry, layer) => registry.client()?.begin_blob(&layer.digest)?,
        };
        downloaded(answer, most)
    }
}

fn pinged(answer: &Answer) -> Result<Probe, Fault> {
    // 401 is how a registry greets a client that has not signed in; a 5xx may be anybody's.
    let is_registry = answer.status < 500;
    let url = without_query(&answer.url);
    is_registry
        .then(|| probe(answer))
        .ok_or_else(|| Fault::new(format_args!("{url} answered {}", answer.status)))
}

fn fetched(answer: Answer) -> Result<Answer, Fault> {
    if answer.status == 200 { Ok(answer) } else { Err(refusal(answer)) }
}

fn downloaded(answer: Answer, most: u64) -> Result<Probe, Fault> {
    let mut probe = probe(&answer);
    let begun = Instant::now();
    probe.bytes = discard_body(answer.into_reader(), most)?;
    probe.download = begun.elapsed().as_secs_f64();
    Ok(probe)
}

fn probe(answer: &Answer) -> Probe {
    let hops = &answer.hops;
    let sum = |of: fn(&Hop) -> Duration| hops.iter().map(|hop| of(hop).as_secs_f64()).sum::<f64>();
    let tls = hops.iter().any(|hop| hop.is_tls).then(|| sum(|hop| hop.timings.tls));
    Probe {
        dns: sum(|hop| hop.timings.dns),
        connect: sum(|hop| hop.timings.connect),
        round_trip: hops.first().map_or(0.0, |hop| hop.timings.connect.as_secs_f64()),
        tls,
        first_byte: sum(|hop| hop.first_byte),
        bytes: 0,
        download: 0.0,
        host: host(&answer.url),
        redirects: hops.len().saturating_sub(1),
    }
}
