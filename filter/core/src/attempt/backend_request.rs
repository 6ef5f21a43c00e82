//! The requests to the backends of a list, as one property of the stream: a record for each
//! backend.
//!
//! Its fields are the name, what is special, what becomes of its redirects, the request target, and
//! the credentials. Behind these records attempts note what their backends answered
//! ([`super::note`]).

use super::answers::SentCredentials;
use super::credentials::{Credentials, TokenSource};
use super::redirect::Redirection;
use crate::contract::encoding::{self, Fields, Kind};

/// What one backend is sent, and how its answer is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendRequest<'p> {
    /// The name of the backend.
    pub backend: &'p str,
    /// Whether its 401 and 403 to this request mean that it lacks the content.
    pub hides_missing: bool,
    /// Whether its 404 is the whole truth: no other backend is asked then.
    pub is_authority: bool,
    /// What becomes of its redirects.
    pub redirection: Redirection<'p>,
    /// The request target, with the backend's name of the repository. Empty where it is in the
    /// request already, as with a list of one, and nobody else needs it.
    pub target: &'p [u8],
    /// What is sent to prove who asks.
    pub credentials: Credentials<'p>,
}

const HIDES: &str = "h";
const AUTHORITY: &str = "a";
const BOTH: &str = "ha";

const NOTHING: &str = "nothing";
const NOTHING_EVER: &str = "nothing ever";
const CLIENT: &str = "client";
const INJECTED: &str = "injected";
const TOKEN: &str = "token";

impl BackendRequest<'_> {
    /// Whose credentials an attempt at the backend sends, as far as a refusal means something
    /// different then.
    #[must_use]
    pub const fn sent_credentials(&self) -> SentCredentials {
        match &self.credentials {
            Credentials::Client(_) => SentCredentials::Client,
            _ if self.hides_missing => SentCredentials::ProxyToHider,
            Credentials::Injected(_) | Credentials::Token(_) => SentCredentials::Proxy,
            Credentials::Nothing => SentCredentials::Nothing,
            Credentials::NothingEver => SentCredentials::NothingEver,
        }
    }

    /// The property for a whole list.
    #[must_use]
    pub fn print(all: &[BackendRequest<'_>]) -> Vec<u8> {
        let mut text = Vec::with_capacity(all.iter().map(BackendRequest::room).sum());
        for one in all {
            one.print_to(&mut text);
        }
        text
    }

    fn print_to(&self, property: &mut Vec<u8>) {
        let own = [self.backend, self.special()].into_iter().map(str::as_bytes);
        let fields = own.chain(self.redirection.fields()).chain([self.target]);
        encoding::write(property, Kind::Request, fields.chain(self.credentials.fields()));
    }

    const fn special(&self) -> &'static str {
        match (self.hides_missing, self.is_authority) {
            (true, true) => BOTH,
            (true, false) => HIDES,
            (false, true) => AUTHORITY,
            (false, false) => "",
        }
    }

    /// About how many bytes its record takes, so that little is copied twice.
    fn room(&self) -> usize {
        const WORDS: usize = 64;
        const SOURCE: usize = 240;
        let credentials = match &self.credentials {
            Credentials::Client(value) => value.len(),
            Credentials::Token(_) => SOURCE,
            Credentials::Nothing | Credentials::NothingEver | Credentials::Injected(_) => WORDS,
        };
        let redirection = match &self.redirection {
            Redirection::Unwatched | Redirection::Passed { .. } => 0,
            Redirection::Followed { key, bounds, .. } => {
                key.len().saturating_add(bounds.hosts.len()).saturating_add(WORDS)
            }
        };
        let parts = [self.backend.len(), redirection, self.target.len(), credentials, WORDS];
        parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }
}

impl<'p> Credentials<'p> {
    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let (word, value, source) = match self {
            Self::Nothing => (NOTHING, None, None),
            Self::NothingEver => (NOTHING_EVER, None, None),
            Self::Client(value) => (CLIENT, Some(&**value), None),
            Self::Injected(name) => (INJECTED, Some(name.as_bytes()), None),
            Self::Token(source) => (TOKEN, None, Some(source)),
        };
        let source = source.into_iter().flat_map(TokenSource::fields);
        [word.as_bytes()].into_iter().chain(value).chain(source)
    }

    fn read(fields: &mut Fields<'p>) -> Option<Self> {
        match fields.text()? {
            NOTHING => Some(Self::Nothing),
            NOTHING_EVER => Some(Self::NothingEver),
            CLIENT => Some(Self::Client(fields.next()?.into())),
            INJECTED => Some(Self::Injected(fields.text()?.into())),
            TOKEN => Some(Self::Token(TokenSource::read(fields)?)),
            _ => None,
        }
    }
}

impl<'p> TokenSource<'p> {
    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let parts: [&str; 7] = [
            &self.cluster,
            &self.authority,
            &self.realm,
            &self.base_path,
            &self.service,
            &self.scope,
            &self.credential,
        ];
        parts.into_iter().map(str::as_bytes)
    }

    fn read(fields: &mut Fields<'p>) -> Option<Self> {
        let mut next = || fields.text().map(Into::into);
        Some(Self {
            cluster: next()?,
            authority: next()?,
            realm: next()?,
            base_path: next()?,
            service: next()?,
            scope: next()?,
            credential: next()?,
        })
    }
}

/// The part of one backend. `None` means that the property was not prepared for it, and the
/// attempt must not be made: what another backend is sent may hold another backend's secrets.
#[must_use]
pub fn select<'p>(property: &'p [u8], backend: &[u8]) -> Option<BackendRequest<'p>> {
    let own = |fields: &Fields<'_>| fields.clone().next() == Some(backend);
    read(requests(property).find(own).filter(|_| !backend.is_empty())?)
}

/// The one part of a list of one: there is nobody whose it could be instead.
#[must_use]
pub fn only(property: &[u8]) -> Option<BackendRequest<'_>> {
    let mut requests = requests(property);
    let first = requests.next()?;
    if requests.next().is_some() { None } else { read(first) }
}

/// Every part, in the order of the list; what is not understood is left out.
pub fn all(property: &[u8]) -> impl Iterator<Item = BackendRequest<'_>> {
    requests(property).filter_map(read)
}

/// Whether something was prepared for a backend, so that an attempt that finds nothing for its own
/// must not be made. A property of another version counts as one that has: nobody can tell what is
/// in it.
#[must_use]
pub fn is_prepared(property: &[u8]) -> bool {
    !encoding::is_readable(property) || requests(property).next().is_some()
}

fn requests(property: &[u8]) -> impl Iterator<Item = Fields<'_>> {
    encoding::records(property)
        .filter_map(|(kind, fields)| (kind == Kind::Request).then_some(fields))
}

fn read(mut fields: Fields<'_>) -> Option<BackendRequest<'_>> {
    let backend = fields.text()?;
    let (hides_missing, is_authority) = match fields.text()? {
        "" => (false, false),
        HIDES => (true, false),
        AUTHORITY => (false, true),
        BOTH => (true, true),
        _ => return None,
    };
    let request = BackendRequest {
        backend,
        hides_missing,
        is_authority,
        redirection: Redirection::read(&mut fields)?,
        target: fields.next()?,
        credentials: Credentials::read(&mut fields)?,
    };
    fields.end(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Answer, Bounds, note};

    fn request<'p>(backend: &'p str, credentials: Credentials<'p>) -> BackendRequest<'p> {
        BackendRequest {
            backend,
            hides_missing: backend.len() > 2,
            is_authority: backend.len() > 3,
            redirection: match backend.len() {
                ..3 => Redirection::Unwatched,
                3 => Redirection::Passed { authority: "aws.example".into() },
                _ => Redirection::Followed {
                    key: "quay~1",
                    origin: "https://ghcr.io:8443".into(),
                    bounds: Bounds { plain: false, hosts: "cdn.example *.r2.example" },
                },
            },
            target: b"/v2/acme/a/x?y=%20",
            credentials,
        }
    }

    fn source() -> TokenSource<'static> {
        TokenSource {
            cluster: "ghcr@token".into(),
            authority: "ghcr.io".into(),
            realm: "/token?x=%09".into(),
            base_path: "".into(),
            service: "a service".into(),
            scope: "repository:acme/a:pull".into(),
            credential: "".into(),
        }
    }

    #[test]
    fn each_backend_finds_its_own_part() {
        let each = [
            request("ghcr", Credentials::Client(b"Basic a\tb \xff"[..].into())),
            request("gh", Credentials::Nothing),
            request("gl", Credentials::NothingEver),
            request("ecr", Credentials::Injected("aws".into())),
            request("quay", Credentials::Token(source())),
        ];
        let property = BackendRequest::print(&each);
        for one in &each {
            assert_eq!(select(&property, one.backend.as_bytes()), Some(one.clone()));
        }
        assert!(all(&property).eq(each.iter().cloned()));
        assert_eq!(only(&property), None, "there are several");
        let mut alone = BackendRequest::print(&each[..1]);
        assert_eq!(only(&alone), Some(each[0].clone()));
        note(&mut alone, "ghcr", Answer::Missed);
        assert_eq!(only(&alone), Some(each[0].clone()), "an answer is nobody's part");
        assert_eq!(all(&alone).count(), 1);
        for other in [&b"hub"[..], b"", b"ghcr\t", b"g", b"\n", b"\xff"] {
            assert_eq!(select(&property, other), None, "{other:?}");
        }
    }

    #[test]
    fn credentials_decide_the_meaning_of_a_refusal() {
        let token = || Credentials::Token(source());
        let client = || Credentials::Client(b"Basic YTpi"[..].into());
        #[rustfmt::skip]
        let rows = [
            (Credentials::Nothing, false, SentCredentials::Nothing, "the client has not logged in"),
            (Credentials::NothingEver, false, SentCredentials::NothingEver, "an open backend"),
            (Credentials::NothingEver, true, SentCredentials::ProxyToHider, "an open backend that hides what it lacks"),
            (Credentials::Nothing, true, SentCredentials::ProxyToHider, "it hides what it lacks"),
            (client(), false, SentCredentials::Client, "the client logs in"),
            (client(), true, SentCredentials::Client, "a refusal is then an answer about what the client showed"),
            (Credentials::Injected("c".into()), false, SentCredentials::Proxy, "a credential"),
            (Credentials::Injected("c".into()), true, SentCredentials::ProxyToHider, "a credential"),
            (token(), false, SentCredentials::Proxy, "a token"),
            (token(), true, SentCredentials::ProxyToHider, "a token"),
        ];
        for (credentials, hides_missing, expected, reason) in rows {
            let found =
                BackendRequest { hides_missing, ..request("a", credentials) }.sent_credentials();
            assert_eq!(found, expected, "{hides_missing}: {reason}");
        }
    }

    #[test]
    fn a_property_that_is_cut_prepares_nobody() {
        let whole = BackendRequest::print(&[request("quay", Credentials::Token(source()))]);
        for end in 0..whole.len() {
            assert_eq!(select(&whole[..end], b"quay"), None, "{end} bytes");
            assert_eq!(only(&whole[..end]), None, "{end} bytes");
        }
        assert!(select(&whole, b"quay").is_some());
    }

    #[test]
    fn unreadable_records_prepare_no_backend() {
        #[rustfmt::skip]
        let rows: [(&[&[u8]], bool, &str); 8] = [
            (&[b"gh", b"", b"", b"/v2/", b"nothing"], true, "a whole record"),
            (&[b"gh", b"", b"pass", b"gh.example", b"/v2/", b"nothing"], true, "with a redirect"),
            (&[b"gh", b"", b"", b"/v2/"], false, "no credentials"),
            (&[b"gh", b"", b"", b"/v2/", b"nothing", b"x"], false, "a field too many"),
            (&[b"gh", b"", b"", b"/v2/", b"client"], false, "no value"),
            (&[b"gh", b"", b"", b"/v2/", b"password", b"x"], false, "another word"),
            (&[b"gh", b"x", b"", b"/v2/", b"nothing"], false, "another speciality"),
            (&[b"gh", b"", b"follow", b"gh", b"https://gh.example", b"ftp", b"h", b"/v2/", b"nothing"], false, "another scheme"),
        ];
        for (fields, is_understood, reason) in rows {
            let mut property = Vec::new();
            encoding::write(&mut property, Kind::Request, fields.iter().copied());
            assert_eq!(select(&property, b"gh").is_some(), is_understood, "{reason}");
            assert!(is_prepared(&property), "{reason}: an attempt without its part is not made");
        }
    }

    #[test]
    fn an_attempt_is_free_only_where_nothing_was_prepared() {
        let mut noted = Vec::new();
        note(&mut noted, "gh", Answer::Missed);
        assert!(!is_prepared(&noted), "an answer");
        assert!(is_prepared(b"gh\t\t\t/v2/\tnothing\n"), "another version");
        assert!(is_prepared(b""), "no version at all");
    }

    #[test]
    fn no_byte_of_a_value_begins_another_record() {
        let other = BackendRequest::print(&[request("quay", Credentials::Nothing)]);
        let evil = request("gh", Credentials::Client(other[1..].into()));
        let property = BackendRequest::print(std::slice::from_ref(&evil));
        assert_eq!(select(&property, b"quay"), None);
        assert_eq!(select(&property, b"gh"), Some(evil));
    }
}
