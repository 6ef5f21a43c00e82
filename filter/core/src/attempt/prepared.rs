//! What each backend of a list is sent, as one property of the stream.
//!
//! One line per backend, its parts separated by tabs: the name, what is special, what becomes of its
//! redirects, the request target, and the credentials. No part can hold a line feed, and none but the
//! last a tab: names and URLs are checked by the policy, targets by the request parser, and no header
//! value has a line feed (RFC 9110 section 5.5). Behind these lines attempts note what their backends
//! answered ([`super::note`]); those lines begin with a sign that no name of a backend begins with.

use super::answers::Shown;
use super::credentials::{Credentials, TokenSource};
use super::redirect::Redirection;

/// What one backend is sent, and how its answer is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared<'p> {
    /// The name of the backend.
    pub backend: &'p str,
    /// Whether its 401 and 403 to this request mean that it lacks the content.
    pub hides_missing: bool,
    /// Whether its 404 is the whole truth: no other backend is asked then.
    pub is_authority: bool,
    /// What becomes of its redirects.
    pub redirection: Redirection<'p>,
    /// The request target, with the backend's name of the repository. Empty where it is in the request
    /// already, as with a list of one, and nobody else needs it.
    pub target: &'p [u8],
    /// What is shown of who asks.
    pub credentials: Credentials<'p>,
}

const HIDES: u8 = b'h';
const AUTHORITY: u8 = b'a';

const NOTHING: &[u8] = b"nothing";
const CLIENT: &[u8] = b"client";
const INJECTED: &[u8] = b"injected";
const TOKEN: &[u8] = b"token";

impl Prepared<'_> {
    /// What an attempt at the backend shows of who asks, as far as a refusal means something different then.
    #[must_use]
    pub const fn shown(&self) -> Shown {
        match &self.credentials {
            Credentials::Client(_) => Shown::Clients,
            _ if self.hides_missing => Shown::ToHider,
            Credentials::Injected(_) | Credentials::Token(_) => Shown::Proxys,
            Credentials::Nothing => Shown::Nothing,
        }
    }

    /// The property for a whole list.
    #[must_use]
    pub fn print(all: &[Prepared<'_>]) -> Vec<u8> {
        let mut text = Vec::with_capacity(all.iter().map(Prepared::room).sum());
        for one in all {
            one.print_to(&mut text);
        }
        text
    }

    fn print_to(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.backend.as_bytes());
        text.push(b'\t');
        text.extend(self.hides_missing.then_some(HIDES));
        text.extend(self.is_authority.then_some(AUTHORITY));
        for part in [self.redirection.print().as_bytes(), self.target] {
            text.push(b'\t');
            text.extend_from_slice(part);
        }
        let mut add = |parts: &[&[u8]]| {
            for part in parts {
                text.push(b'\t');
                text.extend_from_slice(part);
            }
        };
        match &self.credentials {
            Credentials::Nothing => add(&[NOTHING]),
            // A line feed cannot be in a header; were there one, the rest would be another line.
            Credentials::Client(value) if value.contains(&b'\n') => add(&[NOTHING]),
            Credentials::Client(value) => add(&[CLIENT, value]),
            Credentials::Injected(name) => add(&[INJECTED, name.as_bytes()]),
            Credentials::Token(source) => add(&[TOKEN, &source.print()]),
        }
        text.push(b'\n');
    }

    /// About how many bytes its line takes, so that little is copied twice.
    fn room(&self) -> usize {
        const WORDS: usize = 24;
        const SOURCE: usize = 200;
        let credentials = match &self.credentials {
            Credentials::Client(value) => value.len(),
            Credentials::Token(_) => SOURCE,
            Credentials::Nothing | Credentials::Injected(_) => WORDS,
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

impl TokenSource<'_> {
    fn print(&self) -> Vec<u8> {
        let parts: [&str; 7] = [
            &self.cluster,
            &self.authority,
            &self.realm,
            &self.base_path,
            &self.service,
            &self.scope,
            &self.credential,
        ];
        parts.join("\t").into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<TokenSource<'_>> {
        let mut parts = std::str::from_utf8(bytes).ok()?.split('\t');
        let mut next = || parts.next().map(Into::into);
        Some(TokenSource {
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
pub fn select<'p>(property: &'p [u8], backend: &[u8]) -> Option<Prepared<'p>> {
    let mut lines = property.split(|byte| *byte == b'\n');
    let own = |line: &&[u8]| line.split(|byte| *byte == b'\t').next() == Some(backend);
    read(lines.find(own).filter(|_| !backend.is_empty())?)
}

/// The one part of a list of one: there is nobody whose it could be instead.
#[must_use]
pub fn only(property: &[u8]) -> Option<Prepared<'_>> {
    let end = property.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = property.split_at_checked(end)?;
    let is_prepared = |line: &[u8]| !line.is_empty() && !line.starts_with(b"=");
    if rest.split(|byte| *byte == b'\n').any(is_prepared) { None } else { read(line) }
}

/// Every part, in the order of the list; what is not understood is left out.
pub fn all(property: &[u8]) -> impl Iterator<Item = Prepared<'_>> {
    property.split(|byte| *byte == b'\n').filter_map(read)
}

fn read(line: &[u8]) -> Option<Prepared<'_>> {
    let mut parts = line.splitn(6, |byte| *byte == b'\t');
    let backend = std::str::from_utf8(parts.next()?).ok()?;
    let special = parts.next()?;
    let redirection = Redirection::parse(parts.next()?)?;
    let target = parts.next()?;
    let credentials = match (parts.next()?, parts.next()) {
        (NOTHING, None) => Credentials::Nothing,
        (CLIENT, Some(value)) => Credentials::Client(value.into()),
        (INJECTED, Some(name)) => Credentials::Injected(std::str::from_utf8(name).ok()?.into()),
        (TOKEN, Some(source)) => Credentials::Token(TokenSource::read(source)?),
        _ => return None,
    };
    Some(Prepared {
        backend,
        hides_missing: special.contains(&HIDES),
        is_authority: special.contains(&AUTHORITY),
        redirection,
        target,
        credentials,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Bounds;

    fn prepared<'p>(backend: &'p str, credentials: Credentials<'p>) -> Prepared<'p> {
        Prepared {
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
            prepared("ghcr", Credentials::Client(b"Basic a\tb \xff"[..].into())),
            prepared("gh", Credentials::Nothing),
            prepared("ecr", Credentials::Injected("aws".into())),
            prepared("quay", Credentials::Token(source())),
        ];
        let property = Prepared::print(&each);
        for one in &each {
            assert_eq!(select(&property, one.backend.as_bytes()), Some(one.clone()));
        }
        assert!(all(&property).eq(each.iter().cloned()));
        assert_eq!(only(&property), None, "there are several");
        let mut alone = Prepared::print(&each[..1]);
        assert_eq!(only(&alone), Some(each[0].clone()));
        alone.extend(b"=ghcr missed\n");
        assert_eq!(only(&alone), Some(each[0].clone()), "an answer is nobody's part");
        assert_eq!(all(&alone).count(), 1);
        assert_eq!(select(&alone, b"=ghcr missed"), None);
        for other in [&b"hub"[..], b"", b"ghcr\t", b"g", b"\n", b"\xff"] {
            assert_eq!(select(&property, other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_shown_decides_how_a_refusal_is_read() {
        let token = || Credentials::Token(source());
        let client = || Credentials::Client(b"Basic YTpi"[..].into());
        #[rustfmt::skip]
        let rows = [
            (Credentials::Nothing, false, Shown::Nothing, "an open backend"),
            (Credentials::Nothing, true, Shown::ToHider, "an open backend that hides what it lacks"),
            (client(), false, Shown::Clients, "the client logs in"),
            (client(), true, Shown::Clients, "a refusal is then an answer about what the client showed"),
            (Credentials::Injected("c".into()), false, Shown::Proxys, "a credential"),
            (Credentials::Injected("c".into()), true, Shown::ToHider, "a credential"),
            (token(), false, Shown::Proxys, "a token"),
            (token(), true, Shown::ToHider, "a token"),
        ];
        for (credentials, hides_missing, expected, reason) in rows {
            let found = Prepared { hides_missing, ..prepared("a", credentials) }.shown();
            assert_eq!(found, expected, "{hides_missing}: {reason}");
        }
    }

    #[test]
    fn a_property_that_is_cut_prepares_nobody() {
        for text in ["", "gh", "gh\t", "gh\th\t", "gh\th\t\t/v2/", "gh\th\t\t/v2/\t", "\n\n"] {
            assert_eq!(select(text.as_bytes(), b"gh"), None, "{text:?}");
        }
        let whole = Prepared::print(&[prepared("quay", Credentials::Token(source()))]);
        let cut = whole.split(|byte| *byte == b'\t').take(10).collect::<Vec<_>>().join(&b'\t');
        assert_eq!(select(&cut, b"quay"), None);
    }

    #[test]
    fn a_line_feed_makes_no_second_line() {
        let evil = prepared("gh", Credentials::Client(b"x\nquay\t\t\t/v2/\tnothing"[..].into()));
        let property = Prepared::print(&[evil]);
        assert_eq!(select(&property, b"quay"), None);
        assert_eq!(select(&property, b"gh").unwrap().credentials, Credentials::Nothing);
    }
}
