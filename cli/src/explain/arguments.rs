//! What a person types behind `portolan explain`.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_core::config::Config;
use portolan_core::config::user_info::hidden;

use super::client::{self, Told};
use super::request::Request;
use super::url;

/// Arguments of `portolan explain`.
#[derive(Debug, Args)]
#[command(override_usage = "portolan explain [OPTIONS] <POLICY> <METHOD> <URL>\n       \
          portolan explain <POLICY> --batch")]
pub(crate) struct ExplainArgs {
    /// The policy: JSON if the name ends in `.json`, else YAML; `-` is the standard input.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// The method, such as `GET`.
    #[arg(value_name = "METHOD", required_unless_present = "batch")]
    method: Option<OsString>,
    /// What is asked for: `https://host/path`, `//host/path`, or `/path` on the first front.
    ///
    /// Nothing is normalised: the filter sees the path exactly as it is written here.
    #[arg(value_name = "URL", required_unless_present = "batch")]
    url: Option<OsString>,
    /// The client's address, as Envoy trusts it; it finds the client's network.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "batch")]
    address: Option<IpAddr>,
    /// The address at the other end of the connection: the last proxy before Envoy.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "batch")]
    peer: Option<IpAddr>,
    /// The client's country, such as `CN`, as the policy's source of geography would tell it.
    #[arg(long, value_name = "COUNTRY", conflicts_with = "batch")]
    country: Option<String>,
    /// The client's subdivision, such as `US-CA`.
    #[arg(long, value_name = "SUBDIVISION", conflicts_with = "batch")]
    subdivision: Option<String>,
    /// The client's continent, such as `EU`.
    #[arg(long, value_name = "CONTINENT", conflicts_with = "batch")]
    continent: Option<String>,
    /// A header of the request; `host`, `x-portolan-peer` and the policy's geo headers count.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = Header::parse, conflicts_with = "batch")]
    headers: Vec<Header>,
    /// Something was just pushed to the repository; counts for rules with `read_your_writes`.
    #[arg(long, conflicts_with = "batch")]
    recently_pushed: bool,
    /// A backend that is down; may be given several times. All others are up.
    #[arg(long = "down", value_name = "BACKEND", conflicts_with = "batch")]
    down: Vec<String>,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "batch")]
    json: bool,
    /// Read requests from the standard input, print one JSON object for each.
    ///
    /// Each line is a JSON object with `method` and `target`, and any of `authority`, `address`,
    /// `peer`, `country`, `subdivision` and `continent`: strings, handed to the filter as they
    /// are; and `has_credentials` and `recently_pushed`: `true` or `false`. With `"latin1": true` each character stands for the byte of its number.
    #[arg(long, conflicts_with_all = ["method", "url"])]
    batch: bool,
}

/// A header field as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// In lower case.
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

impl Header {
    /// Reads `name: value`; the blanks around the value do not belong to it (RFC 9112 section 5).
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                Ok(Self {
                    name: name.to_ascii_lowercase(),
                    value: value.trim_matches([' ', '\t']).as_bytes().to_vec(),
                })
            }
            _ => Err("write a name, a colon and a value, such as `cf-ipcountry: CN`".to_owned()),
        }
    }
}

impl ExplainArgs {
    /// Where the policy is.
    pub(super) fn policy(&self) -> &Path {
        &self.policy
    }

    /// Whether the requests are on the standard input.
    pub(super) const fn is_batch(&self) -> bool {
        self.batch
    }

    /// Whether the answer is for a program.
    pub(super) const fn wants_json(&self) -> bool {
        self.json
    }

    /// The request, and notes on what of it does not count.
    ///
    /// # Errors
    ///
    /// What was typed as a URL is none, or what was said to be down is no backend.
    pub(super) fn request(&self, config: &Config) -> Result<(Request, Vec<String>), String> {
        let url = bytes(self.url.as_deref());
        let url = url::split(url).ok_or_else(|| {
            let found = String::from_utf8_lossy(url);
            let found = hidden(&found);
            format!("`{found}` is not a URL; write `https://host/path`, `//host/path` or `/path`")
        })?;
        let (client, notes) = client::of(&self.told(), config);
        let host = self.headers.iter().find(|header| header.name == "host");
        let authority = host.map(|header| header.value.clone()).or(url.authority);
        let request = Request {
            method: bytes(self.method.as_deref()).to_vec(),
            target: url.target,
            authority: authority.unwrap_or_else(|| first_host(config)),
            client,
            has_credentials: self.headers.iter().any(|header| header.name == "authorization"),
            recently_pushed: self.recently_pushed,
            in_store: None,
            down: self.down_clusters(config)?,
        };
        Ok((request, notes))
    }

    fn down_clusters(&self, config: &Config) -> Result<Vec<String>, String> {
        let cluster = |name: &String| {
            let mut backends = config.backends().iter();
            let backend = backends.find(|backend| backend.name() == name);
            let cluster = backend.map(|backend| backend.cluster().to_owned());
            cluster.ok_or_else(|| format!("there is no backend `{name}` that could be down"))
        };
        self.down.iter().map(cluster).collect()
    }

    fn told(&self) -> Told<'_> {
        Told {
            address: self.address,
            peer: self.peer,
            country: self.country.as_deref(),
            subdivision: self.subdivision.as_deref(),
            continent: self.continent.as_deref(),
            headers: &self.headers,
        }
    }
}

/// An argument as it was typed, which on Unix need not be UTF-8.
fn bytes(argument: Option<&OsStr>) -> &[u8] {
    argument.map(OsStr::as_encoded_bytes).unwrap_or_default()
}

/// The canonical host of the first front: the one that a bare path means.
pub(super) fn first_host(config: &Config) -> Vec<u8> {
    let host = config.fronts().all().first().and_then(|front| front.hosts().first());
    host.map(|host| host.as_str().as_bytes().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_they_are_typed() {
        let rows = [
            ("cf-ipcountry: CN", Some(("cf-ipcountry", "CN"))),
            ("CF-IPCountry:CN", Some(("cf-ipcountry", "CN"))),
            ("a:\tb:c \t", Some(("a", "b:c"))),
            ("a:", Some(("a", ""))),
            ("a", None),
            (": b", None),
            ("a : b", None),
        ];
        for (text, expected) in rows {
            let expected =
                expected.map(|(name, value)| Header { name: name.to_owned(), value: value.into() });
            assert_eq!(Header::parse(text).ok(), expected, "{text}");
        }
    }
}
