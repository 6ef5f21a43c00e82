//! Requests of a client that pulls, and where their time goes.

use std::io::Read;
use std::time::{Duration, Instant};

use portolan_core::token::Secret;
use ureq::config::Config;
use ureq::http::header::{ACCEPT, AUTHORIZATION, HeaderMap, LOCATION};
use ureq::http::{Method, Request, Response, Uri};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, AsSendBody, Body};

use super::content::{discard_body, keep};
use super::fault::Fault;
use super::timings::{ConnectTimings, Milestone, Step, TimedResolver, Watch};
use super::tls::{TlsConnector, Trust};
use super::url::{authority, origin, resolve};

const USER_AGENT: &str = concat!("portolan/", env!("CARGO_PKG_VERSION"));

/// As many as curl and Docker's client follow at least.
const MOST_REDIRECTS: u8 = 10;

/// How much of a body that nobody reads is read, in bytes, so that its connection can be used
/// again.
const MOST_IGNORED: u64 = 64 * 1024;

/// How long a host may take to be found, and a connection to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How clients of this run behave.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Whom they trust.
    pub trust: Trust,
    /// How long they wait for an answer, and for the next bytes of one.
    pub timeout: Duration,
    /// Whether they go through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`).
    pub uses_proxy: bool,
}

/// A client without open connections. It keeps those that it opens, as long as it lives.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    watch: Watch,
}

/// A request without a body.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// `GET` or `HEAD`.
    pub method: Method,
    /// What is asked for.
    pub url: Uri,
    /// The value of `Accept`, if any.
    pub accept: Option<&'a str>,
    /// The value of `Authorization`, for this URL's origin alone.
    pub authorization: Option<&'a Secret>,
}

impl Ask<'_> {
    /// A GET of anything, by anybody.
    pub const fn get(url: Uri) -> Self {
        Self { method: Method::GET, url, accept: None, authorization: None }
    }
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// Who answered, after all redirects.
    pub url: Uri,
    /// What each request took, the last one last: there is one, and one for each redirect.
    pub hops: Vec<Hop>,
    body: Body,
}

/// What one request took until the head of its answer was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Until there was a connection.
    pub timings: ConnectTimings,
    /// From then on.
    pub first_byte: Duration,
    /// Whether it went over TLS.
    pub is_tls: bool,
}

/// What sends requests and measures nothing, with certificates as `trust` has them.
#[must_use]
pub fn agent(config: Config, trust: Trust) -> Agent {
    let connector = ().chain(TcpConnector::default()).chain(TlsConnector(trust));
    Agent::with_parts(config, connector, DefaultResolver::default())
}

impl Client {
    /// A new one.
    #[must_use]
    pub fn new(options: &ClientOptions) -> Self {
        let watch = Watch::default();
        let milestone = |step| Milestone::new(watch.clone(), step);
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(milestone(Step::Connect))
                .chain(TlsConnector(options.trust.clone()))
                .chain(milestone(Step::Tls));
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .accept("*/*")
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(options.timeout))
            .timeout_per_read(Some(options.timeout))
            .timeout_per_write(Some(options.timeout));
        if !options.uses_proxy {
            config = config.proxy(None);
        }
        let resolver = TimedResolver::new(watch.clone());
        Self { agent: Agent::with_parts(config.build(), connector, resolver), watch }
    }

    /// Sends a request, and what follows from redirects; the answer at the end of them, whatever
    /// its status.
    ///
    /// `Authorization` goes along as long as scheme, host and port stay what they were. Another
    /// server gets none: it would be a gift, and stores that check signatures refuse it.
    ///
    /// # Errors
    ///
    /// There is no answer, or no end of redirects.
    pub fn send(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let mut url = ask.url.clone();
        let mut authorization = ask.authorization;
        let mut hops = Vec::new();
        for _ in 0..=MOST_REDIRECTS {
            let (response, hop) = self.hop(ask, &url, authorization)?;
            hops.push(hop);
            let Some(next) = redirect(&url, &response)? else {
                let (head, body) = response.into_parts();
                return Ok(Answer {
                    status: head.status.as_u16(),
                    headers: head.headers,
                    url,
                    hops,
                    body,
                });
            };
            // Whatever it says, and even if it breaks off: the next server is what counts.
            let _ = discard_body(response.into_body().into_reader(), MOST_IGNORED);
            authorization = authorization.filter(|_| origin(&url) == origin(&next));
            url = next;
        }
        let url = without_query(&ask.url);
        Err(Fault::new(format_args!("{url} leads to more than {MOST_REDIRECTS} redirects")))
    }

    /// Sends a request as it is, with its body; the answer, whatever its status. No redirect is
    /// followed: what is written is for the server that was named.
    ///
    /// # Errors
    ///
    /// There is no answer, or the body cannot be read to its end.
    pub fn transfer(&self, request: Request<impl AsSendBody>) -> Result<Answer, Fault> {
        let url = request.uri().clone();
        let response = self.agent.run(request).map_err(|error| failed(&url, &error))?;
        let (head, body) = response.into_parts();
        let (status, headers) = (head.status.as_u16(), head.headers);
        Ok(Answer { status, headers, url, hops: Vec::new(), body })
    }

    fn hop(
        &self,
        ask: &Ask<'_>,
        url: &Uri,
        authorization: Option<&Secret>,
    ) -> Result<(Response<Body>, Hop), Fault> {
        let mut request = Request::builder().method(ask.method.clone()).uri(url.clone());
        if let Some(accept) = ask.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.expose());
        }
        let request = request.body(()).map_err(|error| failed(url, &error.into()))?;
        self.watch.take();
        let begun = Instant::now();
        let response = self.agent.run(request).map_err(|error| failed(url, &error))?;
        let elapsed = begun.elapsed();
        let timings = self.watch.take();
        let first_byte = elapsed.saturating_sub(timings.total());
        let is_tls = url.scheme_str() == Some("https");
        Ok((response, Hop { timings, first_byte, is_tls }))
    }
}

impl Answer {
    /// The body.
    pub fn into_reader(self) -> impl Read {
        self.body.into_reader()
    }

    /// The body in memory.
    ///
    /// # Errors
    ///
    /// It breaks off, or is longer than `limit` bytes.
    pub fn into_bytes(self, limit: u64) -> Result<Vec<u8>, Fault> {
        let shown = without_query(&self.url);
        keep(self.into_reader(), limit)
            .map_err(|fault| Fault::new(format_args!("{shown}: {fault}")))
    }

    /// Forgets the body and lets the connection be used again.
    pub fn discard(self) {
        let _ = discard_body(self.into_reader(), MOST_IGNORED);
    }

    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Where an answer sends the client; `None` if nowhere.
fn redirect(from: &Uri, response: &Response<Body>) -> Result<Option<Uri>, Fault> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| resolve(from, location));
    next.map(Some).ok_or_else(|| {
        let shown = location.and_then(|location| location.split('?').next()).unwrap_or("nowhere");
        let from = without_query(from);
        Fault::new(format_args!("{from} redirects to {shown}, where no client can follow"))
    })
}

fn failed(url: &Uri, error: &ureq::Error) -> Fault {
    let advice = match error {
        ureq::Error::Io(error) if error.to_string().contains("certificate") => {
            "; its authority must be one of this system's, or in the file that SSL_CERT_FILE names"
        }
        _ => "",
    };
    Fault::new(format_args!("{}: {error}{advice}", without_query(url)))
}

/// A URL as it may be shown: queries hold signatures.
pub fn without_query(url: &Uri) -> String {
    format!("{}://{}{}", url.scheme_str().unwrap_or_default(), authority(url), url.path())
}

#[cfg(test)]
mod tests;
