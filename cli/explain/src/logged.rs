//! A line of the access log, as far as it says what was asked and what was decided.

use std::net::IpAddr;

use portolan_core::config::{Backend, Config, Front, FrontAuth};
use portolan_core::contract::details;
use portolan_core::probe::Presence;
use portolan_core::record::{Attempted, LogField, Tried};
use serde_json::Value;

use super::client::{self, ClientOptions};
use super::request::Request;

/// A line about a request (docs/log.md, "Lines of requests").
#[derive(Debug)]
pub(super) struct Logged {
    line: Value,
}

impl Logged {
    /// Reads a line; `None` for the line of an attempt, which decides nothing.
    ///
    /// # Errors
    ///
    /// The line is not one of the access log.
    pub(super) fn read(line: &[u8]) -> Result<Option<Self>, String> {
        const WANTED: &str =
            "this is no line of the access log, which is one JSON object with `method` and `path`";
        let line: Value =
            serde_json::from_slice(line).map_err(|error| format!("{WANTED}: {error}"))?;
        let fields = line.as_object().ok_or(WANTED)?;
        if fields.contains_key(LogField::Event.name()) {
            return Ok(None);
        }
        let is_whole = [LogField::Method, LogField::Path, LogField::Client]
            .iter()
            .all(|field| fields.contains_key(field.name()));
        if is_whole { Ok(Some(Self { line })) } else { Err(WANTED.to_owned()) }
    }

    /// What a field says; `None` if it says nothing.
    pub(super) fn text(&self, field: LogField) -> Option<&str> {
        self.line.get(field.name())?.as_str()
    }

    /// Whether the filter saw the request: Envoy refuses some before it decides.
    pub(super) fn was_decided(&self) -> bool {
        self.text(LogField::Region).is_some()
    }

    /// The request, as far as the line tells it, and notes on what it does not tell.
    pub(super) fn request(&self, config: &Config) -> (Request, Vec<String>) {
        let address =
            |field: LogField| self.text(field).and_then(|text| text.parse::<IpAddr>().ok());
        let told = ClientOptions {
            address: address(LogField::Client),
            peer: address(LogField::Peer),
            country: self.text(LogField::Country),
            ..ClientOptions::default()
        };
        let (client, mut notes) = client::of(&told, config);
        let authority = self.text(LogField::Authority).unwrap_or_default().as_bytes().to_vec();
        let front = config.fronts().find(&authority).and_then(|id| config.fronts().get(id));
        if front.is_some_and(|front| front.upstreams().is_some()) {
            notes.push("the log has no queries: what `ns` said is not known".to_owned());
        }
        let bytes = |field: LogField| self.text(field).unwrap_or_default().as_bytes().to_vec();
        let request = Request {
            method: bytes(LogField::Method),
            target: bytes(LogField::Path),
            authority,
            client,
            has_credentials: self.has_credentials(front),
            has_password: self.text(LogField::User).is_some(),
            recently_pushed: false,
            in_store: Some(self.in_store(config)),
            down: self.skipped(config),
        };
        (request, notes)
    }

    /// Clients of a front with passwords have a name in the log if they sent a right one. Those
    /// that prove to the backends who they are have sent something unless they were asked to.
    fn has_credentials(&self, front: Option<&Front>) -> bool {
        let was_challenged =
            self.text(LogField::Details).is_some_and(|text| text.ends_with(":UNAUTHORIZED"));
        match front.map(Front::auth) {
            Some(FrontAuth::Basic(_)) => self.text(LogField::User).is_some(),
            Some(FrontAuth::Upstream { .. }) => !was_challenged,
            Some(FrontAuth::Managed) | None => false,
        }
    }

    /// A client that was sent to a blob store shows that the store had the blob.
    fn in_store(&self, config: &Config) -> Presence {
        let is_store = |name: &str| config.blob_stores().iter().any(|store| store.name() == name);
        if self.text(LogField::SentTo).is_some_and(is_store) {
            Presence::Present
        } else {
            Presence::Absent
        }
    }

    /// The backends that were asked, in this order: those that did not serve the request, and the
    /// one that did.
    pub(super) fn asked(&self) -> Vec<&str> {
        self.tried().map(|one| one.backend).chain(self.text(LogField::Backend)).collect()
    }

    /// The clusters of those that were known to be down, and so were not asked.
    fn skipped(&self, config: &Config) -> Vec<String> {
        let skipped = self.tried().filter(|one| one.result == Tried::Skipped);
        let cluster = |name: &str| {
            let mut backends = config.backends().iter();
            backends.find(|backend| backend.name() == name).map(Backend::cluster)
        };
        skipped.filter_map(|one| cluster(one.backend)).map(str::to_owned).collect()
    }

    fn tried(&self) -> impl Iterator<Item = Attempted<'_>> {
        Attempted::read(self.text(LogField::Tried).unwrap_or_default())
    }

    /// Whether the filter itself answered before any backend was asked.
    pub(super) fn was_answered_here(&self) -> bool {
        let by_the_filter =
            self.text(LogField::Details).is_some_and(|text| text.starts_with(details::PREFIX));
        by_the_filter && self.asked().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(more: &Value) -> Vec<u8> {
        let mut line = json!({"method": "GET", "path": "/v2/", "client": "192.0.2.1"});
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more.clone());
        }
        line.to_string().into_bytes()
    }

    #[test]
    fn lines_of_requests_alone_are_read() {
        assert!(Logged::read(&line(&json!({}))).unwrap().is_some());
        assert!(Logged::read(&line(&json!({"event": "x"}))).unwrap().is_none());
        for odd in ["", "x", "[]", "1", "{}", r#"{"method": "GET"}"#] {
            assert!(Logged::read(odd.as_bytes()).is_err(), "{odd}");
        }
    }

    #[test]
    fn backends_in_the_log() {
        #[rustfmt::skip]
        let rows = [
            (json!({"backend": "a"}), "a", false),
            (json!({"tried": "a skipped; b 503", "backend": "c"}), "a,b,c", false),
            (json!({"tried": "a 404; b no answer", "backend": null, "details": "portolan_failed:UNAVAILABLE"}), "a,b", false),
            (json!({"backend": null, "details": "portolan_refused:DENIED"}), "", true),
            (json!({"tried": "", "backend": null, "details": "route_not_found"}), "", false),
        ];
        for (more, asked, here) in rows {
            let logged = Logged::read(&line(&more)).unwrap().unwrap();
            assert_eq!(logged.asked().join(","), asked, "{more}");
            assert_eq!(logged.was_answered_here(), here, "{more}");
        }
    }
}
