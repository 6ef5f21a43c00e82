//! Gets what a source names, and its proof.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portolan_command::date::BuildDate;
use portolan_core::token::Secret;
use portolan_geography::geoip::error::GeoipError;
use portolan_registry_client::http::{Ask, Client, ClientOptions};
use portolan_registry_client::tls::Trust;
use portolan_registry_client::url::{absolute, host};

use super::proof;
use super::source::{Proof, UpdateSource};

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_mins(1);
/// How large what is fetched may be, in bytes: several times the largest that is published.
const LARGEST: u64 = 512 * 1024 * 1024;
/// How large a proof may be, in bytes.
const LARGEST_PROOF: u64 = 64 * 1024;

/// What came, proven.
#[derive(Debug)]
pub(super) struct Fetched {
    /// From where, without its query: there may be a key in it.
    pub(super) url: String,
    pub(super) bytes: Vec<u8>,
    /// The month that stands in the URL, as its first day.
    pub(super) month: Option<BuildDate>,
}

/// A client of one source.
pub(super) struct Fetcher<'s> {
    source: &'s UpdateSource,
    client: Client,
    authorization: Option<Secret>,
}

impl<'s> Fetcher<'s> {
    /// A client with what the server wants to see.
    ///
    /// # Errors
    ///
    /// The file with the name and password cannot be read.
    pub(super) fn new(source: &'s UpdateSource) -> Result<Self, GeoipError> {
        let trust = Trust::of_the_system().map_err(|fault| GeoipError::Fetch(fault.to_string()))?;
        let client = Client::new(&ClientOptions { trust, timeout: PATIENCE, uses_proxy: true });
        let authorization = source.authorization_file.as_deref().map(read).transpose()?;
        let authorization = authorization
            .map(|text| Secret::new(format!("Basic {}", STANDARD.encode(text.trim()))));
        Ok(Self { source, client, authorization })
    }

    /// Fetches the database of this month; where the URL has one, and there is none yet, of the
    /// month before.
    ///
    /// # Errors
    ///
    /// [`GeoipError::Fetch`]: it is not there, or not what was to come.
    pub(super) fn fetch(&self, now: BuildDate) -> Result<Fetched, GeoipError> {
        let monthly = ["{year}", "{month}"].iter().any(|part| self.source.url.contains(part));
        let months: Vec<Option<BuildDate>> =
            if monthly { vec![Some(now.month()), Some(now.month_before())] } else { vec![None] };
        let mut told = String::new();
        for month in months {
            match self.of_month(month)? {
                Ok(fetched) => return Ok(fetched),
                Err(reason) if told.is_empty() => told = reason,
                Err(_) => {}
            }
        }
        Err(GeoipError::Fetch(told))
    }

    /// The inner error is that there is none of this month.
    fn of_month(&self, month: Option<BuildDate>) -> Result<Result<Fetched, String>, GeoipError> {
        let url = with_month(&self.source.url, month);
        let shown = url.split('?').next().unwrap_or_default().to_owned();
        let bytes = match self.get(&url, LARGEST)? {
            Ok(bytes) => bytes,
            Err(status) => return Ok(Err(format!("{shown} answers {status}"))),
        };
        self.prove(&bytes, month)
            .map_err(|reason| GeoipError::Fetch(format!("{shown} {reason}")))?;
        Ok(Ok(Fetched { url: shown, bytes, month }))
    }

    fn prove(&self, bytes: &[u8], month: Option<BuildDate>) -> Result<(), String> {
        let at = |url: &str| {
            let url = with_month(url, month);
            match self.get(&url, LARGEST_PROOF) {
                Ok(Ok(found)) => Ok(found),
                Ok(Err(status)) => Err(format!("has no proof: {url} answers {status}")),
                Err(error) => Err(format!("has no proof: {error}")),
            }
        };
        match &self.source.proof {
            Proof::Sha256(wanted) => proof::has_sha256(bytes, wanted),
            Proof::Sha256At(url) => proof::has_sha256(bytes, &proof::sha256_in(&at(url)?)?),
            Proof::Signature { url, key } => {
                let key = read(key).map_err(|error| error.to_string())?;
                proof::is_signed(bytes, &at(url)?, &key)
            }
        }
    }

    /// What a URL has, or the status that it answers.
    fn get(&self, url: &str, limit: u64) -> Result<Result<Vec<u8>, u16>, GeoipError> {
        let shown = url.split('?').next().unwrap_or_default();
        let failed = |reason: String| GeoipError::Fetch(reason);
        let uri = absolute(url)
            .ok_or_else(|| failed(format!("`{shown}` is no URL with http:// or https://")))?;
        let is_safe = uri.scheme_str() == Some("https") || is_this_machine(&host(&uri));
        let is_weak =
            matches!(self.source.proof, Proof::Sha256At(_)) || self.authorization.is_some();
        if is_weak && !is_safe {
            return Err(failed(format!(
                "{shown}: a checksum that is fetched, and a password, need https"
            )));
        }
        let mut ask = Ask::get(uri);
        ask.authorization = self.authorization.as_ref();
        let answer = self.client.send(&ask).map_err(|fault| failed(fault.to_string()))?;
        match answer.status {
            200 => answer.into_bytes(limit).map(Ok).map_err(|fault| failed(fault.to_string())),
            status => Ok(Err(status)),
        }
    }
}

fn read(path: &Path) -> Result<String, GeoipError> {
    fs::read_to_string(path).map_err(|source| GeoipError::File {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}

fn with_month(url: &str, month: Option<BuildDate>) -> String {
    let Some(month) = month else { return url.to_owned() };
    let day = month.to_string();
    let mut parts = day.split('-');
    let (year, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    url.replace("{year}", year).replace("{month}", month)
}
