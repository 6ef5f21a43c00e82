//! How a store is written to: with S3's API, or with a plain `PUT` and headers of a file.

use std::fmt;
use std::fs;
use std::path::Path;

use portolan_command::moment::Moment;
use portolan_core::token::Secret;
use ureq::http::{HeaderName, HeaderValue};

use super::s3::credentials::{Keys, Sources};
use super::s3::signature::{Unsigned, canonical_path, signed};

/// A request to a store, as far as its credentials depend on it.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The method.
    pub(super) method: &'a str,
    /// The path, as [`Access::path`] writes it.
    pub(super) path: &'a str,
    /// The query, as [`super::s3::signature::query`] writes it; empty for none.
    pub(super) query: &'a str,
    /// Headers, with their names in lower case.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The SHA-256 of the body in hexadecimal digits, or what S3 wants in its place.
    pub(super) payload: &'a str,
}

/// Who writes to a store.
#[derive(Debug)]
pub(super) enum Access {
    /// Somebody with a pair of keys (AWS Signature Version 4).
    S3 {
        /// The keys.
        keys: Keys,
        /// The region that requests are signed for.
        region: String,
    },
    /// Somebody who shows these headers.
    Put(Headers),
}

/// Headers that nobody may read.
pub(super) struct Headers(Vec<(HeaderName, Secret)>);

impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Access {
    /// By the keys that S3's tools find; `host` is the store's.
    ///
    /// # Errors
    ///
    /// There are no keys; what to set.
    pub(super) fn s3(
        sources: &Sources<'_>,
        region: Option<&str>,
        host: &str,
    ) -> Result<Self, String> {
        Ok(Self::S3 { keys: sources.keys()?, region: sources.region(region, host) })
    }

    /// By the headers in a file; none without a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has something else in it.
    pub(super) fn put(file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else { return Ok(Self::Put(Headers(Vec::new()))) };
        let text = fs::read_to_string(file)
            .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
        headers(&text).map(Self::Put).map_err(|why| format!("{}: {why}", file.display()))
    }

    /// Whether it speaks S3's API.
    pub(super) const fn is_s3(&self) -> bool {
        matches!(self, Self::S3 { .. })
    }

    /// A path as it is sent.
    pub(super) fn path(&self, path: String) -> String {
        match self {
            Self::S3 { .. } => canonical_path(&path),
            Self::Put(_) => path,
        }
    }

    /// All headers of a request to this host.
    pub(super) fn headers(&self, call: &Call<'_>, host: &str) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::S3 { keys, region } => {
                let Call { method, path, query, headers, payload } = call;
                let unsigned = Unsigned { method, host, path, query, headers, payload };
                let time = Moment::now().to_string().replace(['-', ':'], "");
                let all = signed(&unsigned, keys, region, &time);
                all.into_iter().filter_map(|(name, value)| header(name, &value)).collect()
            }
            Self::Put(own) => {
                let own = own.0.iter().filter_map(|(name, value)| {
                    let value = HeaderValue::from_str(value.expose()).ok()?;
                    Some((name.clone(), value))
                });
                let named = call.headers.iter().filter_map(|(name, value)| header(name, value));
                named.chain(own).collect()
            }
        }
    }
}

fn header(name: &'static str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
}

/// Reads lines such as `Authorization: Basic …`. What is wrong is said without the value.
fn headers(text: &str) -> Result<Headers, String> {
    let mut headers = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| {
            format!("line {number}: write `Name: value`, such as `Authorization: …`")
        })?;
        let name = name.trim().parse::<HeaderName>();
        let name = name.map_err(|_| format!("line {number}: this is no name of a header"))?;
        HeaderValue::from_str(value.trim())
            .map_err(|_| format!("line {number}: this is no value of a header"))?;
        headers.push((name, Secret::new(value.trim().to_owned())));
    }
    Ok(Headers(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_headers() {
        let rows = [
            (
                "Authorization: Basic YTpi\n\nX-Token:  t\n",
                Ok("authorization=Basic YTpi x-token=t"),
            ),
            ("", Ok("")),
            ("YTpi", Err("line 1: write `Name: value`")),
            ("A: b\nC d: e", Err("line 2: this is no name")),
            ("A: b\u{7}", Err("line 1: this is no value")),
        ];
        for (text, expected) in rows {
            let found = headers(text).map(|found| {
                let all = found.0.iter().map(|(name, value)| format!("{name}={}", value.expose()));
                all.collect::<Vec<_>>().join(" ")
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found}"),
                (found, _) => panic!("{found:?}"),
            }
        }
    }

    #[test]
    fn debug_hides_what_is_shown_to_a_store() {
        let shown = format!("{:?}", headers("Authorization: Basic YTpi").unwrap());
        assert_eq!(shown, "[\"authorization\"]");
    }
}
