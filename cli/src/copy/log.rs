//! Which blobs clients have fetched, from lines of Portolan's access log (docs/log.md).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use portolan_core::grammar::Digest;
use portolan_core::oci::{Endpoint, parse};
use portolan_core::record::LogField;
use serde_json::Value;

/// A blob that clients have fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    /// Its digest.
    pub(super) digest: Digest<'static>,
    /// The repositories that it was asked from, with the hosts that were asked, the first first.
    pub(super) places: Vec<Place>,
    /// How often.
    pub(super) times: u64,
}

/// A repository as clients name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The host that was asked.
    pub(super) authority: String,
    /// The repository.
    pub(super) repository: String,
}

/// What lines say, in the order in which blobs were first asked for.
#[derive(Debug, Default)]
pub(super) struct Lines {
    blobs: Vec<Fetched>,
    known: HashMap<Digest<'static>, usize>,
}

impl Lines {
    /// Reads a line. Only successful `GET`s of blobs count: a blob, a part of one, or a redirect to
    /// one.
    ///
    /// # Errors
    ///
    /// The line is not one of the access log.
    pub(super) fn read(&mut self, line: &str) -> Result<(), String> {
        const WANTED: &str =
            "this is no line of the access log, which is one JSON object with `method` and `path`";
        let line: Value =
            serde_json::from_str(line).map_err(|error| format!("{WANTED}: {error}"))?;
        let fields = line.as_object().ok_or(WANTED)?;
        if fields.contains_key(LogField::Event.name()) {
            return Ok(());
        }
        let text = |field: LogField| line.get(field.name()).and_then(Value::as_str);
        let (Some(method), Some(path)) = (text(LogField::Method), text(LogField::Path)) else {
            let is_there = fields.contains_key(LogField::Method.name());
            return if is_there { Ok(()) } else { Err(WANTED.to_owned()) };
        };
        let status = line.get(LogField::Status.name()).and_then(Value::as_u64);
        if method != "GET" || !matches!(status, Some(200 | 206 | 302 | 307)) {
            return Ok(());
        }
        if let Ok(request) = parse(method.as_bytes(), path.as_bytes())
            && let Endpoint::Blob { name, digest } = request.endpoint
        {
            let authority = text(LogField::Authority).unwrap_or_default().to_owned();
            let repository = name.as_str().to_owned();
            self.add(digest.into_owned(), Place { authority, repository });
        }
        Ok(())
    }

    fn add(&mut self, digest: Digest<'static>, place: Place) {
        let next = self.blobs.len();
        match self.known.entry(digest.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(next);
                self.blobs.push(Fetched { digest, places: vec![place], times: 1 });
            }
            Entry::Occupied(entry) => {
                if let Some(blob) = self.blobs.get_mut(*entry.get()) {
                    blob.times = blob.times.saturating_add(1);
                    if !blob.places.contains(&place) {
                        blob.places.push(place);
                    }
                }
            }
        }
    }

    /// The blobs that were fetched at least so often; what was fetched most comes first.
    pub(super) fn blobs(self, at_least: u64) -> Vec<Fetched> {
        let mut blobs = self.blobs;
        blobs.retain(|blob| blob.times >= at_least);
        blobs.sort_by_key(|blob| std::cmp::Reverse(blob.times));
        blobs
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(digit: char) -> String {
        format!("sha256:{}", String::from(digit).repeat(64))
    }

    fn line(method: &str, path: &str, status: u16) -> String {
        json!({"method": method, "path": path, "status": status, "authority": "r.example"})
            .to_string()
    }

    fn blob(digit: char) -> String {
        line("GET", &format!("/v2/team/app/blobs/{}", digest(digit)), 200)
    }

    #[test]
    fn lines_of_the_log_that_count() {
        let path = format!("/v2/team/app/blobs/{}", digest('1'));
        #[rustfmt::skip]
        let rows = [
            (line("GET", &path, 200), true, "a blob"),
            (line("GET", &path, 206), true, "a part of one"),
            (line("GET", &path, 307), true, "a client that was sent to it"),
            (line("HEAD", &path, 200), false, "a question"),
            (line("GET", &path, 404), false, "what is not there"),
            (line("GET", "/v2/team/app/manifests/v1", 200), false, "a manifest"),
            (line("GET", "/v2/team/app/blobs/sha256:zz", 200), false, "no digest"),
            (json!({"event": "fill", "method": "GET", "path": path, "status": 200}).to_string(), false, "a line of the cache's"),
            (json!({"method": null, "path": null, "status": 0}).to_string(), false, "a connection that sent no request"),
        ];
        for (line, counts, reason) in rows {
            let mut lines = Lines::default();
            lines.read(&line).unwrap();
            assert_eq!(!lines.blobs(1).is_empty(), counts, "{reason}");
        }
        for odd in ["", "x", "[]", "{}", "{\"method\": "] {
            assert!(Lines::default().read(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_most_wanted_comes_first() {
        let mut lines = Lines::default();
        let other = line("GET", &format!("/v2/team/base/blobs/{}", digest('2')), 200);
        for line in [&blob('1'), &blob('2'), &other, &other, &blob('3')] {
            lines.read(line).unwrap();
        }
        let found = lines.blobs(1);
        let found: Vec<_> = found
            .iter()
            .map(|blob| {
                let places: Vec<&str> =
                    blob.places.iter().map(|place| place.repository.as_str()).collect();
                (blob.digest.encoded().chars().next().unwrap(), blob.times, places.join(" "))
            })
            .collect();
        let of = |digit, times, places: &str| (digit, times, places.to_owned());
        assert_eq!(
            found,
            [of('2', 3, "team/app team/base"), of('1', 1, "team/app"), of('3', 1, "team/app")]
        );
    }

    #[test]
    fn content_that_was_fetched_once_can_be_left_out() {
        let mut lines = Lines::default();
        for line in [blob('1'), blob('2'), blob('2')] {
            lines.read(&line).unwrap();
        }
        assert_eq!(lines.blobs(2).len(), 1);
    }
}
