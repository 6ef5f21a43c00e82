//! A request to explain, as the bytes that the filter would see.

use std::borrow::Cow;

use portolan_core::attempt::Asks;
use portolan_core::client::ClientFacts;
use portolan_core::health::HealthView;
use portolan_core::probe::Presence;
use portolan_core::{Facts, Password, RequestHead};

/// A request and what is known of its client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Vec<u8>,
    /// Path and query.
    pub(super) target: Vec<u8>,
    /// `host[:port]`.
    pub(super) authority: Vec<u8>,
    pub(super) client: Client,
    /// Whether it carries credentials.
    pub(super) has_credentials: bool,
    /// Whether these are a name and a password.
    pub(super) has_password: bool,
    /// Whether something was just pushed to the repository.
    pub(super) recently_pushed: bool,
    /// Whether the blob store that is asked has the blob; `None` as long as nobody asked.
    pub(super) in_store: Option<Presence>,
    /// The Envoy clusters that are down.
    pub(super) down: Vec<String>,
}

/// What Envoy tells the filter about a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    /// The client's address as Envoy trusts it.
    pub(super) address: Option<Vec<u8>>,
    /// The address at the other end of the connection.
    pub(super) peer: Option<Vec<u8>>,
    /// The value of the country header.
    pub(super) country: Option<Vec<u8>>,
    /// The value of the subdivision header.
    pub(super) subdivision: Option<Vec<u8>>,
    /// The value of the continent header.
    pub(super) continent: Option<Vec<u8>>,
    /// The program that asks, as it says.
    pub(super) user_agent: Option<Vec<u8>>,
}

impl Request {
    /// What it is sent with; whether a password is right is said besides.
    fn authorization(&self) -> Option<&'static [u8]> {
        let of_its_kind: &[u8] =
            if self.has_password { b"Basic Z2l2ZW46Z2l2ZW4=" } else { b"Bearer given" };
        self.has_credentials.then_some(of_its_kind)
    }

    /// The request as the core takes it.
    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            preflight: None,
            method: &self.method,
            target: &self.target,
            authority: &self.authority,
            scheme: b"https",
            authorization: self.authorization(),
            asks: Asks::default(),
            user_agent: self.client.user_agent.as_deref(),
            client: self.client.facts(),
        }
    }

    /// What is known besides: every fact, but for whether a blob store has a blob.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            password: Some(Password::Right),
            health: Some(HealthView::AllUpExcept(&self.down)),
            in_store: self.in_store,
            recently_pushed: Some(self.recently_pushed),
            in_repository: Some(Presence::Present),
            tag_was: Some(None),
        }
    }
}

impl Client {
    fn facts(&self) -> ClientFacts<'_> {
        ClientFacts {
            address: self.address.as_deref(),
            peer: self.peer.as_deref(),
            country: self.country.as_deref(),
            subdivision: self.subdivision.as_deref(),
            continent: self.continent.as_deref(),
        }
    }
}

/// How bytes stand in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As UTF-8; bytes that are none are shown as U+FFFD.
    Utf8,
    /// Each byte as the character of that number, so that every byte can be written.
    Latin1,
}

impl Encoding {
    /// The bytes of a text; `None` if the encoding does not have them.
    pub(super) fn bytes(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(c).ok()).collect(),
        }
    }

    /// The text of bytes.
    pub(super) fn text(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Latin1 => bytes.iter().copied().map(char::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin1_has_every_byte_and_nothing_else() {
        let every: Vec<u8> = (0..=u8::MAX).collect();
        let text = Encoding::Latin1.text(&every);
        assert_eq!(Encoding::Latin1.bytes(&text), Some(every));
        assert_eq!(Encoding::Latin1.bytes("\u{100}"), None);
    }

    #[test]
    fn utf8_is_itself() {
        assert_eq!(Encoding::Utf8.bytes("é").as_deref(), Some(&b"\xc3\xa9"[..]));
        assert_eq!(Encoding::Utf8.text(b"a\xff"), "a\u{fffd}");
    }
}
