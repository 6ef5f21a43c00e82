//! Fields of a policy that this version of Envoy, or the options of the machine, cannot serve.

use portolan_core::config::{Clients, Config};

use super::admin::is_asked;
use super::followed_redirects::followed;
use super::fronts::has_tls;
use crate::envoy_version::EnvoyVersion;
use crate::error::RenderError;
use crate::options::Options;
use crate::rate_limit_service;

/// Holds a policy and the options of a machine against each other.
///
/// # Errors
///
/// The first thing in which they contradict each other.
pub(crate) fn check(config: &Config, options: &Options) -> Result<(), RenderError> {
    geo_headers(config.clients())?;
    admin(config, options)?;
    private_addresses(config, options.envoy)?;
    if options.http3.is_some() {
        http3(config)?;
    }
    if options.http_redirect.is_some() && !has_tls(config) {
        return Err(RenderError::NowhereToLead);
    }
    if config.clients().limits().is_some() && !options.envoy.limits_clients() {
        return Err(RenderError::ClientLimits(options.envoy));
    }
    if let (Some(limits), Some(_)) = (config.clients().limits(), &options.rate_limit_service) {
        rate_limit_service::check(limits)?;
    }
    Ok(())
}

/// A header that is removed before the filter sees it would locate nobody, and nobody would
/// notice.
fn geo_headers(clients: &Clients) -> Result<(), RenderError> {
    let headers = clients.geo_headers();
    let mut names = [headers.country, headers.subdivision, headers.continent].into_iter().flatten();
    match names.find(|name| name.starts_with("x-envoy-")) {
        Some(name) => Err(RenderError::GeoHeader(name)),
        None => Ok(()),
    }
}

/// Who asks the admin interface must know its port; and a front that is scraped has to have what is
/// shown.
fn admin(config: &Config, options: &Options) -> Result<(), RenderError> {
    let is_asked = is_asked(config, options.target) || options.metrics.is_some();
    if is_asked && options.admin.port() == 0 {
        return Err(RenderError::AdminPort);
    }
    let scraped = config.fronts().all().iter().find(|front| front.is_scraped());
    match (scraped, options.metrics) {
        (Some(front), None) => Err(RenderError::MetricsNowhere(front.name().to_owned())),
        _ => Ok(()),
    }
}

/// Refuses an Envoy that would follow redirects to where the policy does not let it: to private
/// addresses.
pub(crate) fn private_addresses(config: &Config, envoy: EnvoyVersion) -> Result<(), RenderError> {
    let mut public =
        followed(config).filter(|backend| !backend.followed_redirects().private_addresses());
    match public.next() {
        Some(backend) if !envoy.filters_addresses() => {
            Err(RenderError::PrivateAddresses { backend: backend.name().to_owned(), envoy })
        }
        _ => Ok(()),
    }
}

/// QUIC has TLS in it, so the fronts need certificates; and the PROXY protocol is for TCP.
fn http3(config: &Config) -> Result<(), RenderError> {
    if !has_tls(config) {
        return Err(RenderError::Http3(
            "no front of the policy has `tls`, which QUIC cannot be without",
        ));
    }
    if !config.clients().proxy_protocol().is_empty() {
        return Err(RenderError::Http3(
            "`clients.proxy_protocol` is for TCP: behind such a balancer no client could come by QUIC",
        ));
    }
    Ok(())
}
