//! The facts about a client that Envoy would give the filter, from the options of the command.

use std::net::IpAddr;

use portolan_core::client::joined;
use portolan_core::config::geography::{Country, Subdivision};
use portolan_core::config::regions::GeoSource;
use portolan_core::config::{Config, Geo};
use portolan_core::contract::headers;

use super::header::Header;
use super::request::Client;

/// What was typed about a client.
#[derive(Default)]
pub(super) struct ClientOptions<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) peer: Option<IpAddr>,
    pub(super) country: Option<&'a str>,
    pub(super) subdivision: Option<&'a str>,
    pub(super) continent: Option<&'a str>,
    pub(super) headers: &'a [Header],
}

/// The client, and a note for everything that was typed and does not count.
pub(super) fn of(told: &ClientOptions<'_>, config: &Config) -> (Client, Vec<String>) {
    let names = config.clients().geo_headers();
    let facts = [
        GeoFact::of("country", told.country, names.country, told.headers),
        GeoFact::of("subdivision", told.subdivision, names.subdivision, told.headers),
        GeoFact::of("continent", told.continent, names.continent, told.headers),
    ];
    let geo = config.clients().geo();
    let mut notes: Vec<String> = facts.iter().filter_map(|fact| fact.ignored(geo)).collect();
    notes.extend(unknown_country(&facts));
    let (peer, note) = peer(told, &facts, config);
    notes.extend(note);
    notes.extend(ignored_headers(told.headers, &facts));
    notes.extend(unlocated_address(told, &facts, config));
    let [country, subdivision, continent] = facts.map(|fact| fact.value);
    let client = Client {
        address: told.address.map(|address| address.to_string().into_bytes()),
        peer,
        country,
        subdivision,
        continent,
        user_agent: user_agent(told.headers),
    };
    (client, notes)
}

/// The program that asks; of several values the last, as in the filter.
fn user_agent(headers: &[Header]) -> Option<Vec<u8>> {
    headers.iter().rfind(|header| header.name == USER_AGENT).map(|header| header.value.clone())
}

const USER_AGENT: &str = "user-agent";

/// One geographic fact: an option, a header, or neither.
struct GeoFact {
    name: &'static str,
    /// The header that carries it; `None` if the policy reads none.
    header: Option<String>,
    is_option: bool,
    /// What the filter finds in the header.
    value: Option<Vec<u8>>,
}

impl GeoFact {
    /// An option stands for what Envoy or a proxy sets over whatever the client sent; a
    /// repeated header is one with all its values, as in the filter.
    fn of(
        name: &'static str,
        option: Option<&str>,
        header: Option<String>,
        headers: &[Header],
    ) -> Self {
        let sent = headers.iter().filter(|sent| Some(&sent.name) == header.as_ref());
        let sent: Vec<&[u8]> = sent.map(|sent| sent.value.as_slice()).collect();
        let sent = (!sent.is_empty()).then(|| joined(&sent));
        let option_value = option.map(|value| value.as_bytes().to_vec());
        let value = option_value.or(sent);
        Self {
            name,
            value: value.filter(|_| header.is_some()),
            is_option: option.is_some(),
            header,
        }
    }

    fn ignored(&self, geo: &Geo) -> Option<String> {
        let Self { name, .. } = self;
        let ignored = self.is_option && self.header.is_none();
        ignored.then(|| match geo {
            Geo::None => format!("--{name} does not count: the policy has no `clients.geo`"),
            Geo::Database(_) => format!(
                "--{name} does not count: Envoy's geoip filter tells none, it follows from the country"
            ),
            Geo::Headers(_) => format!(
                "--{name} does not count: the policy has no `clients.geo.headers.{name}`"
            ),
        })
    }
}

/// The core passes over a country that does not exist, as it must; a person has mistyped it.
fn unknown_country(facts: &[GeoFact; 3]) -> Option<String> {
    let [country, ..] = facts;
    let value = country.value.as_deref()?;
    let is_known = |item: &[u8]| {
        Country::parse(item).is_some() || Subdivision::parse_qualified(item).is_some()
    };
    (!value.split(|byte| *byte == b',').any(is_known)).then(|| {
        let value = String::from_utf8_lossy(value);
        format!("`{value}` is no ISO 3166-1 code of two letters, so the country is unknown")
    })
}

/// The peer, and a note where the geo headers depend on it.
fn peer(
    told: &ClientOptions<'_>,
    facts: &[GeoFact; 3],
    config: &Config,
) -> (Option<Vec<u8>>, Option<String>) {
    let sent = (told.headers.iter()).rfind(|header| header.name == headers::PEER);
    let typed = told.peer.map(|peer| peer.to_string().into_bytes());
    let typed = typed.or_else(|| sent.map(|header| header.value.clone()));
    let needs_trust = config.regions().geo_source() == GeoSource::ProxyHeaders
        && facts.iter().any(|fact| fact.value.is_some());
    match typed {
        typed if !needs_trust => (typed, None),
        Some(peer) => {
            let note = untrusted(&peer, config);
            (Some(peer), note)
        }
        None if facts.iter().any(|fact| fact.is_option) => behind_a_proxy(config),
        None => {
            let note = "the geo headers do not count: they are believed from \
                 `clients.trusted_proxies` only; write --peer for the proxy";
            (None, Some(note.to_owned()))
        }
    }
}

fn untrusted(peer: &[u8], config: &Config) -> Option<String> {
    let text = String::from_utf8_lossy(peer);
    let address: Option<IpAddr> = text.parse().ok();
    let proxies = config.regions().trusted_proxies();
    let is_trusted = address.is_some_and(|address| proxies.contains(address));
    (!is_trusted).then(|| {
        format!("the geo headers do not count: {text} is not in `clients.trusted_proxies`")
    })
}

/// The peer that the options for geography mean, if none is given: a trusted proxy that sets the
/// headers.
fn behind_a_proxy(config: &Config) -> (Option<Vec<u8>>, Option<String>) {
    let proxy = config.clients().trusted_proxies().first();
    let address = proxy.map(|prefix| prefix.addr().to_string());
    let note = (address.as_ref())
        .map(|address| format!("the client is taken to be behind the trusted proxy {address}"));
    (address.map(String::into_bytes), note)
}

fn ignored_headers(headers: &[Header], facts: &[GeoFact; 3]) -> Vec<String> {
    let counts = |name: &str| {
        let is_geo = facts.iter().any(|fact| fact.header.as_deref() == Some(name));
        is_geo || matches!(name, "host" | "authorization" | USER_AGENT) || name == headers::PEER
    };
    let ignored = headers.iter().filter(|header| !counts(&header.name));
    ignored.map(|header| format!("the header `{}` does not count", header.name)).collect()
}

/// An address whose country nobody has told, nor the policy's own database if it is here. Where a
/// network of the policy decides, geography would not change it.
fn unlocated_address(
    told: &ClientOptions<'_>,
    facts: &[GeoFact; 3],
    config: &Config,
) -> Option<String> {
    let address = told.address?;
    let Geo::Database(path) = config.clients().geo() else { return None };
    let network = config.regions().networks().lookup(address);
    let decides = network.is_some_and(|network| network.region.is_some());
    let is_open = !decides && facts.iter().all(|fact| fact.value.is_none());
    is_open.then(|| {
        format!(
            "the country of {address} is not known, because the policy's database `{path}` is not here; write it \
             with --country"
        )
    })
}
