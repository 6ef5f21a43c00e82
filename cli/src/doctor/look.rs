//! One server, as it is seen from here.

use std::time::{Duration, Instant};

use portolan_command::date::BuildDate;
use portolan_core::config::{Scheme, Tls};
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::{Answer, Ask, Client, ClientOptions, without_query};
use portolan_registry_client::peer::{PeerCertificate, trust};
use portolan_registry_client::url::host;
use ureq::http::Uri;
use ureq::http::header::HeaderMap;

use super::certificate;
use super::clock;
use super::finding::{Finding, State};

/// What a server is, and so what it should answer to somebody who is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A registry: `GET /v2/` (OCI distribution spec 1.1, "Determining Support").
    Registry,
    /// Who knows the passwords of a front's clients: it admits nobody without one.
    Verifier,
    /// Anything else: every answer below 500 shows that it is there.
    Other,
}

/// What was found of a server, and its answer's status and headers.
pub(super) struct Sight {
    /// About it.
    pub(super) findings: Vec<Finding>,
    /// Its answer, if it came.
    pub(super) answer: Option<(u16, HeaderMap)>,
}

/// TLS without anything that a policy says of it.
pub(super) fn plain_tls(url: &Uri, ca_file: Option<&str>) -> Tls {
    Tls { server_name: host(url), ca_file: ca_file.map(str::to_owned), client: None }
}

/// How a client behaves that is to see what Envoy would: with the policy's own TLS, and past the
/// proxy that the environment names.
///
/// # Errors
///
/// A file of the policy cannot be read.
pub(super) fn options(
    tls: &Tls,
    shown: &PeerCertificate,
    timeout: Duration,
) -> Result<ClientOptions, Fault> {
    Ok(ClientOptions { trust: trust(tls, shown)?, timeout, uses_proxy: false })
}

/// Asks a server once.
pub(super) fn look(subject: &str, url: &Uri, tls: &Tls, role: Role, timeout: Duration) -> Sight {
    let shown = PeerCertificate::default();
    let begun = Instant::now();
    let asked = options(tls, &shown, timeout).and_then(|options| ask(&options, url));
    let took = begun.elapsed();
    let now = BuildDate::now().seconds();
    let mut findings = Vec::new();
    let answer = match asked {
        Ok(answer) => answer,
        Err(fault) => {
            findings.push(Finding::new(subject, "reachable", State::Failed, fault.to_string()));
            findings.extend(certificate_of(subject, &shown, now));
            return Sight { findings, answer: None };
        }
    };
    let (state, words) = role.judge(answer.status);
    let message = format!(
        "{} answers {} after {} ms{words}",
        without_query(url),
        answer.status,
        took.as_millis()
    );
    findings.push(Finding::new(subject, "reachable", state, message));
    findings.extend(certificate_of(subject, &shown, now));
    let judged = answer.header("date").and_then(|date| clock::judge(date, now, took));
    findings.extend(judged.map(|(state, message)| Finding::new(subject, "clock", state, message)));
    let head = (answer.status, answer.headers.clone());
    answer.discard();
    Sight { findings, answer: Some(head) }
}

fn ask(options: &ClientOptions, url: &Uri) -> Result<Answer, Fault> {
    Client::new(options).send(&Ask::get(url.clone()))
}

fn certificate_of(subject: &str, shown: &PeerCertificate, now: u64) -> Option<Finding> {
    let (state, message) = certificate::judge(&shown.certificate()?, now);
    Some(Finding::new(subject, "certificate", state, message))
}

impl Role {
    /// What an answer of this status says, to be added behind it.
    const fn judge(self, status: u16) -> (State, &'static str) {
        match (self, status) {
            (_, 500..) => (State::Failed, ": it is ill"),
            (Self::Registry, 200 | 401 | 403) | (Self::Verifier, 401) | (Self::Other, _) => {
                (State::Ok, "")
            }
            (Self::Registry, 404) => {
                (State::Failed, ": there is no registry there; look at the URL")
            }
            (Self::Registry, 429) => (State::Warning, ": it has had too many requests from here"),
            (Self::Registry, _) => (State::Warning, ", which no registry should to this"),
            (Self::Verifier, 200..=299) => {
                (State::Failed, " without a password: it admits everybody")
            }
            (Self::Verifier, _) => (State::Warning, ", and should answer 401 without a password"),
        }
    }
}

/// The URL of a host that redirects lead to, by the scheme that they mostly have.
pub(super) fn url_of(scheme: Scheme, authority: &str) -> Option<Uri> {
    portolan_registry_client::url::absolute(&format!("{}://{authority}/", scheme.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        use Role::{Other, Registry, Verifier};
        let rows = [
            (Registry, 200, State::Ok),
            (Registry, 401, State::Ok),
            (Registry, 404, State::Failed),
            (Registry, 429, State::Warning),
            (Registry, 302, State::Warning),
            (Registry, 503, State::Failed),
            (Verifier, 401, State::Ok),
            (Verifier, 204, State::Failed),
            (Verifier, 404, State::Warning),
            (Other, 403, State::Ok),
            (Other, 502, State::Failed),
        ];
        for (role, status, expected) in rows {
            assert_eq!(role.judge(status).0, expected, "{role:?} {status}");
        }
    }
}
