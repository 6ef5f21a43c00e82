//! The token services of registries, and whether the proxy's own credentials are accepted.

use std::time::Duration;

use portolan_core::challenge::token_service;
use portolan_core::config::{Backend, BackendAuth, Config};
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::{Ask, Client};
use portolan_registry_client::login;
use portolan_registry_client::manifest::ACCEPT;
use portolan_registry_client::peer::PeerCertificate;
use portolan_registry_client::registry::{ping, refusal};
use portolan_registry_client::sign_in::sign_in;
use portolan_registry_client::url::{absolute, authority, host};
use ureq::http::header::{HeaderMap, WWW_AUTHENTICATE};
use ureq::http::{HeaderValue, Method, Uri};

use super::finding::{Finding, State};
use super::look::{Role, look, options, plain_tls};

/// What is to say of the token service that a registry's answer names.
pub(super) fn service(
    subject: &str,
    backend: &Backend,
    headers: &HeaderMap,
    timeout: Duration,
) -> Vec<Finding> {
    let values: Vec<&[u8]> =
        headers.get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes).collect();
    let told = token_service(&values).and_then(|found| absolute(&found.realm));
    let written = written(backend);
    let Some(url) = written.clone().or_else(|| told.clone()) else { return Vec::new() };
    let mut findings = Vec::new();
    findings.extend(told.and_then(|told| disagreement(subject, backend, written.as_ref(), &told)));
    let is_own = authority(&url) == backend.url().authority();
    let tls = if is_own { backend.tls().clone() } else { plain_tls(&url, None) };
    let sight = look(subject, &url, &tls, Role::Other, timeout);
    // Its certificate and its clock are the registry's, unless it is elsewhere.
    let kept = sight.findings.into_iter().filter(|found| !is_own || found.check == "reachable");
    findings.extend(kept.map(|mut found| {
        if found.check == "reachable" {
            found.check = "token service";
        } else {
            found.message = format!("of {}: {}", authority(&url), found.message);
        }
        found
    }));
    findings
}

/// The token service that the policy names.
fn written(backend: &Backend) -> Option<Uri> {
    let BackendAuth::Token(service) = backend.auth() else { return None };
    let realm = service.realm()?;
    absolute(&format!("{}{}", realm.origin().origin(), realm.target()))
}

/// A token service that the proxy does not ask, though the registry says so: it is sent no
/// credential to a host that the policy does not name.
fn disagreement(
    subject: &str,
    backend: &Backend,
    written: Option<&Uri>,
    told: &Uri,
) -> Option<Finding> {
    let BackendAuth::Token(_) = backend.auth() else { return None };
    let is_as_written = match written {
        Some(written) => authority(written) == authority(told),
        None => host(told) == backend.url().host(),
    };
    if is_as_written {
        return None;
    }
    let message = format!(
        "the registry's is at {}, which the policy does not name; write `auth: {{token: {{realm: \
         \"{}\", service: …}}}}` at the backend",
        authority(told),
        portolan_registry_client::http::without_query(told)
    );
    Some(Finding::new(subject, "token service", State::Failed, message))
}

/// Whether the proxy's own credential at a backend is accepted, if the policy names one.
pub(super) fn credential(
    subject: &str,
    config: &Config,
    backend: &Backend,
    timeout: Duration,
) -> Option<Finding> {
    let name = backend.credential()?;
    let (state, message) = match accepted(config, backend, timeout) {
        Ok(true) => (State::Ok, format!("`{name}` is accepted")),
        Ok(false) => {
            let text = "is not tried: the registry asks nobody here who they are";
            (State::Warning, format!("`{name}` {text}"))
        }
        Err(fault) => (State::Failed, format!("`{name}`: {fault}")),
    };
    Some(Finding::new(subject, "credential", state, message))
}

/// Whether it is accepted; `false` where nobody asks for it, so that nothing is known of it.
fn accepted(config: &Config, backend: &Backend, timeout: Duration) -> Result<bool, Fault> {
    let login = login::of_backend(config, backend)?;
    let client = Client::new(&options(backend.tls(), &PeerCertificate::default(), timeout)?);
    let url = ping(backend.url())?;
    let permit = sign_in(&client, &url, ACCEPT, "", login.as_ref())?;
    let Some(authorization) = permit.authorization() else { return Ok(false) };
    let is_token = authorization.expose().starts_with("Bearer ");
    let ask = Ask { method: Method::GET, url, accept: None, authorization: Some(authorization) };
    let answer = client.send(&ask)?;
    // A token that was given is the proof; some registries have nothing to say to one without a
    // repository.
    match answer.status {
        200 => Ok(true),
        401 | 403 if is_token => Ok(true),
        _ => Err(refusal(answer)),
    }
}
