//! A request to mount a blob from another repository instead of uploading it.

use std::borrow::Cow;

use super::endpoint::Endpoint;
use super::error::RequestError;
use super::method::Method;
use super::query::{self, ParameterError};
use super::request::RegistryRequest;
use crate::grammar::{Digest, RepositoryName};

/// `POST /v2/<name>/blobs/uploads/?mount=<digest>&from=<name>` (OCI distribution spec 1.1,
/// "Mounting a blob from another repository", end-11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount<'a> {
    /// The blob.
    pub digest: Digest<'a>,
    /// The repository that has it, a valid [`RepositoryName`], decoded; `None` leaves the
    /// search to the registry.
    pub from: Option<Cow<'a, str>>,
}

impl<'a> RegistryRequest<'a> {
    /// The mount that the request asks for; `None` if it is no start of an upload, or one
    /// without a mount.
    ///
    /// This must find every mount that a registry might find, since mounting hands out content
    /// of a second repository.
    ///
    /// # Errors
    ///
    /// * [`RequestError::DigestInvalid`]: `mount` is not a digest.
    /// * [`RequestError::NameInvalid`]: `from` is not a repository name.
    /// * [`RequestError::TargetInvalid`]: registries may read the query differently. Either
    ///   parameter has two values, or the query has a `;`, at which servers written in Go before
    ///   1.17 split as at `&`: `x=1;from=secret`.
    pub fn mount(&self) -> Result<Option<Mount<'a>>, RequestError> {
        // Outside of the API nobody knows what a POST means; it may be the start of an upload as
        // well.
        let starts = match self.endpoint {
            Endpoint::Uploads { .. } => true,
            Endpoint::Upload { .. } => self.method == Method::Post,
            _ => false,
        };
        let Some(query) = self.query.filter(|_| starts) else { return Ok(None) };
        if query.contains(&b';') {
            return Err(RequestError::TargetInvalid);
        }
        let Some(digest) = value(query, "mount", RequestError::DigestInvalid)? else {
            return Ok(None);
        };
        let digest = read_digest(digest).ok_or(RequestError::DigestInvalid)?;
        let from = value(query, "from", RequestError::NameInvalid)?;
        let from = from.map(|name| read_name(name).ok_or(RequestError::NameInvalid)).transpose()?;
        Ok(Some(Mount { digest, from }))
    }
}

fn value<'a>(
    query: &'a [u8],
    key: &str,
    undecodable: RequestError,
) -> Result<Option<Cow<'a, [u8]>>, RequestError> {
    query::value(query, key).map_err(|error| match error {
        ParameterError::Undecodable => undecodable,
        ParameterError::Conflicting => RequestError::TargetInvalid,
    })
}

fn read_digest(bytes: Cow<'_, [u8]>) -> Option<Digest<'_>> {
    match bytes {
        Cow::Borrowed(bytes) => Digest::parse(bytes),
        Cow::Owned(bytes) => Digest::parse(&bytes).map(Digest::into_owned),
    }
}

fn read_name(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => RepositoryName::parse(bytes).map(|name| name.as_str().into()),
        Cow::Owned(bytes) => {
            RepositoryName::parse(&bytes).map(|name| name.as_str().to_owned().into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::parse;

    const D: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn mount(query: &str) -> Result<Option<(String, Option<String>)>, RequestError> {
        let target = format!("/v2/a/blobs/uploads/?{}", query.replace("{D}", D));
        let mount = parse(b"POST", target.as_bytes()).unwrap().mount()?;
        Ok(mount
            .map(|Mount { digest, from }| (digest.as_str().to_owned(), from.map(Cow::into_owned))))
    }

    #[test]
    fn mounts() {
        let cases: &[(&str, &str)] = &[
            ("mount={D}&from=library/nginx", "raw slash: containerd"),
            ("from=library%2Fnginx&mount={D}", "escaped slash, other order: Go"),
            (
                "mount=sha256%3A0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef&from=library%2fnginx",
                "escaped colon",
            ),
            ("%6Dount={D}&fro%6d=library/nginx", "escaped keys"),
            ("mount={D}&from=library/nginx&mount={D}&from=library%2Fnginx", "equal repeats"),
            ("a=b&mount={D}&c&from=library/nginx&", "among others"),
        ];
        for (query, reason) in cases {
            let expected = Some((D.to_owned(), Some("library/nginx".to_owned())));
            assert_eq!(mount(query), Ok(expected), "{query}: {reason}");
        }
        for query in ["mount={D}", "mount={D}&from=", "mount={D}&FROM=a"] {
            assert_eq!(mount(query), Ok(Some((D.to_owned(), None))), "{query}: without source");
        }
        for query in ["", "from=a", "from=A", "mount=", "mount&from=a", "digest={D}", "xmount={D}"]
        {
            assert_eq!(mount(query), Ok(None), "{query}: no mount");
        }
    }

    #[test]
    fn refused_mounts() {
        use RequestError::{DigestInvalid, NameInvalid, TargetInvalid};
        let cases: &[(&str, RequestError, &str)] = &[
            ("mount=a", DigestInvalid, "no digest"),
            ("mount=sha256:abc&from=A", DigestInvalid, "the digest is read first"),
            ("mount=sha384%253Aabc", DigestInvalid, "decoded once only"),
            ("mount=%zz", DigestInvalid, "no escape"),
            ("mount={D}&from=A", NameInvalid, "upper case"),
            ("mount={D}&from=../secret", NameInvalid, "dots"),
            ("mount={D}&from=a%252Fb", NameInvalid, "decoded once only"),
            ("mount={D}&from=a+", NameInvalid, "a plus, which some read as a space"),
            ("mount={D}&from=a%00", NameInvalid, "control byte"),
            ("mount={D}&from=a%", NameInvalid, "no escape"),
            ("mount={D}&from=a&from=secret", TargetInvalid, "first or last?"),
            ("mount={D}&mount=a:b&from=a", TargetInvalid, "first or last?"),
            ("x=1;mount={D};from=secret", TargetInvalid, "a separator to some"),
        ];
        for (query, expected, reason) in cases {
            assert_eq!(mount(query), Err(*expected), "{query}: {reason}");
        }
    }

    #[test]
    fn only_the_start_of_an_upload_mounts() {
        let others = [
            ("POST", "/v2/a/blobs/uploads"),
            ("GET", "/v2/a/tags/list?mount=x"),
            ("PATCH", "/v2/a/blobs/uploads/x?mount=x;from=y"),
        ];
        for (method, target) in others {
            let request = parse(method.as_bytes(), target.as_bytes()).unwrap();
            assert_eq!(request.mount(), Ok(None), "{method} {target}");
        }
    }
}
