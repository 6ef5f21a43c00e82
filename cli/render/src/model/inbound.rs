//! Inbound connections: addresses, allowed peers, and trusted statements about clients.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use ipnet::IpNet;
use portolan_core::config::{Cache, Clients, Config, Front, FrontHost};

use super::client_address::ForwardedFor;
use super::fill::Fill;
use super::fronts::of_every_host;
use super::serving::Serving;
use crate::limits::Limits;
use crate::options::Options;
use crate::secret::Secret;

/// All listeners that HTTP comes in by. (Metrics have one of their own, which only the options
/// say.)
pub(crate) struct Listeners<'p> {
    /// The one that clients are served at.
    pub(crate) clients: Inbound<'p>,
    /// The UDP port at which clients reach HTTP/3; there is none if none is said.
    pub(crate) http3: Option<NonZeroU16>,
    /// The one at which clients that come by `http` are led to `https`.
    pub(crate) http_redirect: Option<HttpRedirect<'p>>,
    /// The one that fills caches.
    pub(crate) fill: Option<FillListener<'p>>,
    /// What they have in common.
    pub(crate) sockets: Sockets,
}

/// What all listeners have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sockets {
    /// Whether each worker has a socket of its own.
    pub(crate) reuse_port: bool,
    /// What Envoy takes from clients.
    pub(crate) limits: Limits,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inbound<'p> {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// From where connections are taken; Envoy closes any other.
    pub(crate) sources: Sources,
    /// Whether connections begin with the PROXY protocol, by which one can say to be anybody.
    pub(crate) speaks_proxy_protocol: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) forwarded_for: ForwardedFor<'p>,
}

/// From where connections are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// From anywhere.
    Anywhere,
    /// From addresses in these networks alone.
    Networks(Vec<IpNet>),
}

/// The listener that leads to `https`.
pub(crate) struct HttpRedirect<'p> {
    /// Its connections.
    pub(crate) inbound: Inbound<'p>,
    /// The hosts that clients are led from, each once; `*` is any other.
    pub(crate) hosts: Vec<LedHost<'p>>,
}

/// A host from which clients are led to `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LedHost<'p> {
    /// Its name.
    pub(crate) name: &'p str,
    /// The port that clients are sent to; that of `https` if the policy names none.
    pub(crate) port: Option<u16>,
}

/// The listener that fills caches.
pub(crate) struct FillListener<'p> {
    /// Its connections, those without TLS where others have it.
    pub(crate) inbound: Inbound<'p>,
    /// Those with TLS, if some caches have it.
    pub(crate) tls: Option<FillTls>,
    /// What is served there: the same policy without caches in its chains.
    pub(crate) serving: Serving<'p>,
}

/// Connections with TLS at the listener that fills caches.
pub(crate) struct FillTls {
    /// Their sources.
    pub(crate) sources: Sources,
    /// What the listener shows.
    pub(crate) certificate: Secret,
    /// By what it verifies who connects.
    pub(crate) authority: Secret,
}

impl<'p> Listeners<'p> {
    /// Those of a policy.
    pub(super) fn of(config: &'p Config, options: &'p Options, fill: Option<&'p Fill>) -> Self {
        let for_clients = |address| Inbound::for_clients(address, config.clients());
        Self {
            clients: for_clients(options.listen),
            http3: options.http3,
            http_redirect: options.http_redirect.map(|address| HttpRedirect {
                inbound: for_clients(address),
                hosts: led_hosts(config),
            }),
            fill: fill.map(|fill| FillListener {
                inbound: Inbound::of_fill(fill),
                tls: FillTls::of(fill),
                serving: Serving::of(&fill.config, &fill.json, options),
            }),
            sockets: Sockets { reuse_port: options.reuse_port, limits: options.limits },
        }
    }
}

impl<'p> Inbound<'p> {
    /// A listener for clients. Whoever speaks the PROXY protocol can say to be anybody, so nobody
    /// but the balancers may connect where it is spoken.
    fn for_clients(address: SocketAddr, clients: &'p Clients) -> Self {
        let balancers = clients.proxy_protocol();
        let sources = match balancers {
            [] => Sources::Anywhere,
            balancers => Sources::Networks(balancers.to_vec()),
        };
        Self {
            address,
            sources,
            speaks_proxy_protocol: !balancers.is_empty(),
            forwarded_for: ForwardedFor::of(clients),
        }
    }

    /// The listener of a fill: who may have which content is not asked there, so only the nodes of
    /// caches may connect, and this machine, because the filter asks as well, without TLS.
    fn of_fill(fill: &Fill) -> Self {
        Self {
            address: fill.address,
            sources: nodes_and_own(fill, |cache| cache.tls().is_none()),
            speaks_proxy_protocol: false,
            forwarded_for: ForwardedFor::Nobody,
        }
    }
}

impl FillTls {
    /// As the first cache with TLS has it, which all have in common; also for nodes of this
    /// machine.
    fn of(fill: &Fill) -> Option<Self> {
        let has_tls = |cache: &Cache| cache.tls().is_some();
        let first = fill.config.caches().iter().find(|cache| has_tls(cache))?;
        let (tls, member) = (first.tls()?, fill.config.backend(first.member())?);
        Some(Self {
            sources: nodes_and_own(fill, has_tls),
            certificate: Secret::certificate(member.name(), &tls.own),
            authority: Secret::authority(member.name(), &tls.ca_file),
        })
    }
}

/// This machine, and from where the nodes of these caches ask. A connection from a machine to an
/// address of its own comes from that address.
fn nodes_and_own(fill: &Fill, are_meant: impl Fn(&Cache) -> bool) -> Sources {
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let listened_at = Some(fill.address.ip()).filter(|address| !address.is_unspecified());
    let own = loopback.into_iter().chain(listened_at).map(IpNet::from);
    let caches = fill.config.caches().iter().filter(|cache| are_meant(cache));
    let mut all: Vec<IpNet> = own.chain(caches.flat_map(Cache::fill_from).copied()).collect();
    all.sort();
    all.dedup();
    Sources::Networks(all)
}

/// One for each name that a front answers to, and one for all others if a front is for all.
fn led_hosts(config: &Config) -> Vec<LedHost<'_>> {
    let mut all: Vec<LedHost<'_>> = Vec::new();
    for host in config.fronts().all().iter().flat_map(Front::hosts) {
        if !all.iter().any(|known| known.name == host.name()) {
            all.push(LedHost { name: host.name(), port: port(host) });
        }
    }
    let for_all = of_every_host(config);
    all.extend(
        for_all.map(|front| LedHost { name: "*", port: front.hosts().first().and_then(port) }),
    );
    all
}

fn port(host: &FrontHost) -> Option<u16> {
    host.as_str().strip_prefix(host.name())?.strip_prefix(':')?.parse().ok()
}
