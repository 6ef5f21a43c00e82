//! Arguments of `portolan explain`.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_core::config::geography::{Continent, Country, Subdivision};
use portolan_core::config::user_info::hidden;
use portolan_core::config::{AuthDomainKind, Config, FrontAuth, Geo};
use portolan_geography::geoip::lookup::Lookup;

use super::client::{self, ClientOptions};
use super::first_host::first_host;
use super::header::Header;
use super::image::{Image, ImageRequest, Verb};
use super::request::{Client, Request};
use super::url;

/// Arguments of `portolan explain`.
#[derive(Debug, Args)]
#[command(override_usage = "portolan explain [OPTIONS] <POLICY> pull <IMAGE>\n       \
          portolan explain [OPTIONS] <POLICY> push <IMAGE>\n       \
          portolan explain [OPTIONS] <POLICY> <METHOD> <URL>\n       \
          portolan explain [--json] <POLICY> --log <LINE>\n       \
          portolan explain <POLICY> --batch")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a person types each of these switches for itself"
)]
pub struct ExplainArgs {
    /// The policy: JSON if the name ends in `.json`, else YAML; `-` is the standard input.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// `pull` or `push`, or the method of one request, such as `GET`.
    #[arg(value_name = "METHOD", required_unless_present_any = ["batch", "log"])]
    method: Option<OsString>,
    /// The image, such as `docker.io/library/nginx:1.27`; or the URL: `https://host/path`,
    /// `//host/path`, or `/path` on the first front.
    ///
    /// An image may name a front's host or a registry that a front stands for; without a host the
    /// first front is meant. Nothing is normalised: the filter sees the path exactly as it is
    /// written here.
    #[arg(value_name = "URL", required_unless_present_any = ["batch", "log"])]
    url: Option<OsString>,
    /// Where the client is: a country (`CN`), a subdivision (`US-CA`), a continent (`EU`) or an
    /// address.
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["batch", "address", "country", "subdivision", "continent"])]
    from: Option<String>,
    /// Ask for a client of each region, and print a table.
    #[arg(long, conflicts_with_all = ["batch", "from", "address", "peer", "country", "subdivision", "continent"])]
    all_regions: bool,
    /// The client has logged in by this name, with the right password.
    #[arg(long = "as", value_name = "USER", conflicts_with = "batch")]
    user: Option<String>,
    /// The client's address, as Envoy trusts it; it finds the client's network, and its country
    /// where the policy's own database is on this machine.
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
    /// A header of the request; `host`, `user-agent`, `x-portolan-peer` and the policy's geo
    /// headers count.
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
    /// `peer`, `country`, `subdivision` and `continent`: strings, handed to the filter as they are;
    /// and `has_credentials` and `recently_pushed`: `true` or `false`. With `"latin1": true` each
    /// character stands for the byte of its number.
    #[arg(long, conflicts_with_all = ["method", "url"])]
    batch: bool,
    /// Say what the policy decides about a request of the access log, and what was decided
    /// otherwise then: a line, a file of lines, or `-` for the standard input. The exit status is 1
    /// if anything differs.
    #[arg(long, value_name = "LINE", conflicts_with_all = ["method", "url", "batch", "from", "all_regions", "user", "address", "peer", "country", "subdivision", "continent", "headers", "recently_pushed", "down"])]
    log: Option<String>,
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

    /// The line of the access log that is replayed, or where lines are.
    pub(super) fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// Whether the answer is for a program.
    pub(super) const fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether a client of each region asks.
    pub(super) const fn all_regions(&self) -> bool {
        self.all_regions
    }

    /// The requests, and notes on what of them does not count.
    ///
    /// # Errors
    ///
    /// What was typed as a URL or an image is none, or what was said to be down is no backend.
    pub(super) fn asked(&self, config: &Config) -> Result<(Vec<Asked>, Vec<String>), String> {
        let method = bytes(self.method.as_deref());
        let (client, mut notes) = self.client(config)?;
        notes.extend(self.user.as_ref().map(|user| {
            format!("`{}` is taken to have logged in with the right password", user.escape_debug())
        }));
        let request = Request {
            method: method.to_vec(),
            client,
            has_credentials: self.user.is_some()
                || self.headers.iter().any(|header| header.name == "authorization"),
            recently_pushed: self.recently_pushed,
            down: self.down_clusters(config)?,
            ..Request::default()
        };
        let mut asked = match Verb::parse(method) {
            Some(verb) => self.of_image(verb, &request, config)?,
            None => vec![self.of_url(request, config)?],
        };
        for one in asked.iter_mut().filter(|_| self.user.is_some()) {
            one.request.has_password = takes_passwords(&one.request.authority, config);
        }
        Ok((asked, notes))
    }

    fn of_image(
        &self,
        verb: Verb,
        request: &Request,
        config: &Config,
    ) -> Result<Vec<Asked>, String> {
        let image = String::from_utf8_lossy(bytes(self.url.as_deref()));
        let requests = Image::parse(&image)?.requests(verb, config)?;
        let of = |one: ImageRequest| Asked {
            part: Some(one.part),
            title: format!("{} {}", one.method, one.target),
            request: Request {
                method: one.method.as_bytes().to_vec(),
                target: one.target.into_bytes(),
                authority: self.host().unwrap_or(one.authority),
                ..request.clone()
            },
        };
        Ok(requests.into_iter().map(of).collect())
    }

    fn of_url(&self, request: Request, config: &Config) -> Result<Asked, String> {
        let url = bytes(self.url.as_deref());
        let url = url::split(url).ok_or_else(|| {
            let found = String::from_utf8_lossy(url);
            let found = hidden(&found);
            format!(
                "`{found}` is not a URL; write `https://host/path`, `//host/path` or `/path`; for an image write \
                 `pull IMAGE` or `push IMAGE`"
            )
        })?;
        let authority = self.host().or(url.authority).unwrap_or_else(|| first_host(config));
        let request = Request { target: url.target, authority, ..request };
        Ok(Asked { part: None, title: String::new(), request })
    }

    /// The host of a header.
    fn host(&self) -> Option<Vec<u8>> {
        let host = self.headers.iter().find(|header| header.name == "host");
        host.map(|header| header.value.clone())
    }

    /// The client, with what the policy's own database knows of its address.
    fn client(&self, config: &Config) -> Result<(Client, Vec<String>), String> {
        let mut told = self.told()?;
        let (mut country, mut subdivision, mut notes) = (None, None, Vec::new());
        if let (Some(address), None, Geo::Database(path)) =
            (told.address, told.country, config.clients().geo())
            && let Ok(mut database) = Lookup::open(Path::new(path))
        {
            match database.place(address) {
                Ok(Some(location)) => {
                    country = Some(location.country().to_owned());
                    subdivision =
                        location.subdivision().map(|part| format!("{}-{part}", location.country()));
                    notes.push(format!(
                        "{address} is in {location}, says the policy's database `{path}`"
                    ));
                }
                Ok(None) => {
                    notes.push(format!("the policy's database `{path}` does not know {address}"));
                }
                Err(error) => notes.push(error.to_string()),
            }
        }
        told.country = told.country.or(country.as_deref());
        told.subdivision = told.subdivision.or(subdivision.as_deref());
        let (client, more) = client::of(&told, config);
        let is_looked_up = !notes.is_empty();
        notes.extend(
            more.into_iter()
                .filter(|note| !is_looked_up || !note.contains("is not known, because")),
        );
        Ok((client, notes))
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

    fn told(&self) -> Result<ClientOptions<'_>, String> {
        let told = ClientOptions {
            address: self.address,
            peer: self.peer,
            country: self.country.as_deref(),
            subdivision: self.subdivision.as_deref(),
            continent: self.continent.as_deref(),
            headers: &self.headers,
        };
        let Some(from) = self.from.as_deref() else { return Ok(told) };
        if let Ok(address) = from.parse() {
            return Ok(ClientOptions { address: Some(address), ..told });
        }
        if Subdivision::parse_qualified(from.as_bytes()).is_some() {
            return Ok(ClientOptions {
                country: from.split('-').next(),
                subdivision: Some(from),
                ..told
            });
        }
        if Country::parse(from.as_bytes()).is_some() {
            return Ok(ClientOptions { country: Some(from), ..told });
        }
        if Continent::parse(from.as_bytes()).is_some() {
            return Ok(ClientOptions { continent: Some(from), ..told });
        }
        Err(format!(
            "`{}` is no place; write a country (`CN`), a subdivision (`US-CA`), a continent (`EU`) or an address",
            from.escape_debug()
        ))
    }
}

/// Whether clients of the front at a host log in with a password, and not with tokens.
fn takes_passwords(authority: &[u8], config: &Config) -> bool {
    let front = config.fronts().find(authority).and_then(|id| config.fronts().get(id));
    front.is_some_and(|front| {
        matches!(
            front.auth(),
            FrontAuth::Basic(_) | FrontAuth::Upstream { kind: AuthDomainKind::Basic, .. }
        )
    })
}

/// A request that is asked about.
pub(super) struct Asked {
    /// What of an image it is for; `None` for a request that was typed itself.
    pub(super) part: Option<&'static str>,
    /// Method and path, for people.
    pub(super) title: String,
    pub(super) request: Request,
}

/// An argument as it was typed, which on Unix need not be UTF-8.
fn bytes(argument: Option<&OsStr>) -> &[u8] {
    argument.map(OsStr::as_encoded_bytes).unwrap_or_default()
}
