//! The sources of the facts about a client: proxies, headers, a database.

use ipnet::IpNet;

use crate::config::client_limits::ClientLimits;
use crate::config::refused::Refused;

/// How Envoy and the filter learn who and where a client is.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(crate) trusted_hops: u32,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) proxy_protocol: Vec<IpNet>,
    pub(crate) geo: Geo,
    pub(crate) limits: Option<ClientLimits>,
    pub(crate) refused: Vec<Refused>,
}

/// The source of geography.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Geo {
    /// None: only networks and the default decide.
    None,
    /// Envoy's geoip filter with this database; the path of an `.mmdb` file.
    Database(String),
    /// Headers that trusted proxies set, such as a content delivery network's `cf-ipcountry`.
    Headers(GeoHeaders),
}

/// Names of request headers, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeoHeaders {
    /// Carries an ISO 3166-1 code of two letters.
    pub country: Option<String>,
    /// Carries an ISO 3166-2 code, with or without the country.
    pub subdivision: Option<String>,
    /// Carries one of `AF`, `AN`, `AS`, `EU`, `NA`, `OC`, `SA`.
    pub continent: Option<String>,
}

/// The header in which Envoy's geoip filter puts the country.
pub const GEOIP_COUNTRY_HEADER: &str = "x-geo-country";
/// The header in which Envoy's geoip filter puts the subdivision, without the country.
pub const GEOIP_SUBDIVISION_HEADER: &str = "x-geo-region";

impl Clients {
    /// How many proxies of the operator append to `X-Forwarded-For` in front of Envoy.
    #[must_use]
    pub const fn trusted_hops(&self) -> u32 {
        self.trusted_hops
    }

    /// The prefixes of proxies whose `X-Forwarded-For` and geo headers are believed.
    #[must_use]
    pub fn trusted_proxies(&self) -> &[IpNet] {
        &self.trusted_proxies
    }

    /// The prefixes of balancers that say by the PROXY protocol who their client is. If there are
    /// any, every connection has to come from them.
    #[must_use]
    pub fn proxy_protocol(&self) -> &[IpNet] {
        &self.proxy_protocol
    }

    /// The source of geography.
    #[must_use]
    pub const fn geo(&self) -> &Geo {
        &self.geo
    }

    /// How many requests clients may make; `None` where they are not counted.
    #[must_use]
    pub const fn limits(&self) -> Option<&ClientLimits> {
        self.limits.as_ref()
    }

    /// Whose requests are refused, and for which images; the first that is meant says why.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Whether a client's address decides about a refusal.
    #[must_use]
    pub fn refuses_networks(&self) -> bool {
        self.refused.iter().any(|refused| refused.networks().is_some())
    }

    /// The headers that the filter reads geography from.
    #[must_use]
    pub fn geo_headers(&self) -> GeoHeaders {
        match &self.geo {
            Geo::None => GeoHeaders::default(),
            Geo::Headers(headers) => headers.clone(),
            Geo::Database(_) => GeoHeaders {
                country: Some(GEOIP_COUNTRY_HEADER.to_owned()),
                subdivision: Some(GEOIP_SUBDIVISION_HEADER.to_owned()),
                continent: None,
            },
        }
    }
}
