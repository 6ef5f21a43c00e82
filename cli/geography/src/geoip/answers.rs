//! Many addresses, each with its place and, by a policy, with its region.

use std::io::{BufRead, Write};
use std::net::IpAddr;

use portolan_core::client::{ClientFacts, Locality, locate};
use portolan_core::config::Config;
use serde_json::{Map, Value};

use super::error::GeoipError;
use super::location::Location;
use super::lookup::Lookup;

/// How answers are printed, and what of.
pub(super) struct Answers<'a, W> {
    pub(super) database: Lookup,
    /// Whose regions are told.
    pub(super) policy: Option<&'a Config>,
    /// Whether each is a line of JSON.
    pub(super) json: bool,
    pub(super) out: W,
    /// How many were asked about.
    pub(super) asked: usize,
    /// How many could not be answered, each with its reason.
    pub(super) refused: Vec<String>,
}

impl<W: Write> Answers<'_, W> {
    /// Answers for each line that is not empty and no comment. `name` is the file's.
    ///
    /// # Errors
    ///
    /// The file cannot be read, the database is of no use at all, or nothing can be printed.
    pub(super) fn lines(&mut self, lines: impl BufRead, name: &str) -> Result<(), GeoipError> {
        for (line, number) in lines.split(b'\n').zip(1_u64..) {
            let line = line.map_err(|source| GeoipError::File {
                doing: "read",
                path: name.into(),
                source,
            })?;
            let text = String::from_utf8_lossy(&line);
            let text = text.split('#').next().unwrap_or_default().trim();
            if !text.is_empty() {
                self.one(text, &format!("{name}, line {number}: "))?;
            }
        }
        Ok(())
    }

    /// Answers for one address as it was written, or notes why not. `place` says where it stands.
    pub(super) fn one(&mut self, text: &str, place: &str) -> Result<(), GeoipError> {
        self.asked = self.asked.saturating_add(1);
        let Ok(address) = text.parse::<IpAddr>() else {
            return self.refuse(text, place, "is not an IPv4 or IPv6 address");
        };
        match self.database.place(address) {
            Ok(location) => self.print(address, location),
            Err(error @ (GeoipError::Record { .. } | GeoipError::Unusable { .. })) => {
                self.refuse(text, place, &format!("has no answer: {error}"))
            }
            Err(error) => Err(error),
        }
    }

    fn print(&mut self, address: IpAddr, location: Option<Location>) -> Result<(), GeoipError> {
        let placed = self.policy.map(|config| (config, placed(config, Some(address), location)));
        if self.json {
            return self.line(&as_json(address, location, placed));
        }
        let place = location.map_or_else(|| "unlocated".to_owned(), |place| place.to_string());
        let out = &mut self.out;
        match placed {
            None => writeln!(out, "{address} {place}"),
            Some((config, Locality { region, why, .. })) => {
                let region = config.regions().name(region);
                writeln!(out, "{address} {place} {region} by {why}")
            }
        }
        .map_err(GeoipError::Print)
    }

    fn line(&mut self, value: &Value) -> Result<(), GeoipError> {
        writeln!(self.out, "{value}").map_err(GeoipError::Print)
    }

    fn refuse(&mut self, text: &str, place: &str, reason: &str) -> Result<(), GeoipError> {
        let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
        self.refused.push(format!("{place}`{shown}` {reason}"));
        if self.json {
            let fields = [("address", text.into()), ("error", reason.into())];
            return self.line(&object(fields));
        }
        Ok(())
    }
}

/// Where the policy puts a client with this address, if the database tells it this place; without
/// an address, by the place alone.
///
/// Headers of a proxy count as those of one that the policy trusts: it is the placing that is asked
/// about.
pub(super) fn placed(
    config: &Config,
    address: Option<IpAddr>,
    location: Option<Location>,
) -> Locality {
    let text = address.map(|address| address.to_string());
    let country = location.as_ref().map(|place| place.country().as_bytes());
    let subdivision = location.as_ref().and_then(Location::subdivision).map(str::as_bytes);
    let proxy = config.clients().trusted_proxies().first().map(|proxy| proxy.addr().to_string());
    let facts = ClientFacts {
        address: text.as_deref().map(str::as_bytes),
        peer: proxy.as_deref().map(str::as_bytes),
        country,
        subdivision,
        continent: None,
    };
    locate(config.regions(), &facts)
}

fn as_json(
    address: IpAddr,
    location: Option<Location>,
    placed: Option<(&Config, Locality)>,
) -> Value {
    let text = |value: Option<&str>| value.map_or(Value::Null, Into::into);
    let place = [
        ("address", address.to_string().into()),
        ("country", text(location.as_ref().map(Location::country))),
        ("subdivision", text(location.as_ref().and_then(Location::subdivision))),
    ];
    let Some((config, Locality { region, label, why, .. })) = placed else { return object(place) };
    let regions = config.regions();
    object(place.into_iter().chain([
        ("region", regions.name(region).into()),
        ("why", why.to_string().into()),
        ("label", text(label.map(|label| regions.label(label)))),
    ]))
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect::<Map<_, _>>())
}
