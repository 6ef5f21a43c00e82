//! Which of a client's own credentials a backend gets.

use std::borrow::Cow;

use crate::config::ids::AuthDomainId;
use crate::config::{AuthDomainKind, Backend, Config};
use crate::token::untag;

/// The value of `Authorization` for a backend of the auth domain, from the client's; `None` if it
/// is nothing of theirs.
///
/// Passwords go to who keeps passwords, and tokens to who mints tokens. Where several mint them,
/// each token says whose it is, and one that does not say so belongs to nobody.
#[must_use]
pub fn for_auth_domain<'a>(
    config: &Config,
    auth_domain: AuthDomainId,
    value: &'a [u8],
) -> Option<Cow<'a, [u8]>> {
    let auth_domains = config.auth_domains();
    let known = auth_domains.get(auth_domain)?;
    let (scheme, credentials) = split(value)?;
    match known.kind {
        AuthDomainKind::Basic => scheme.eq_ignore_ascii_case(b"basic").then_some(value.into()),
        AuthDomainKind::Token if !scheme.eq_ignore_ascii_case(b"bearer") => None,
        AuthDomainKind::Token => {
            let tagged = std::str::from_utf8(credentials).ok().and_then(untag);
            match tagged {
                Some((tag, token)) => (tag == tag_of(config, auth_domain)?)
                    .then(|| Cow::Owned(format!("Bearer {token}").into_bytes())),
                None => (!auth_domains.has_several()).then_some(value.into()),
            }
        }
    }
}

/// The word by which tokens of an auth domain are told apart: its first backend's name.
#[must_use]
pub fn tag_of(config: &Config, auth_domain: AuthDomainId) -> Option<&str> {
    let backend = config.auth_domains().get(auth_domain)?.backend;
    config.backend(backend).map(Backend::name)
}

/// The longest `Authorization` with a password, in bytes: nginx takes no longer header. Nobody has
/// to look at more, or to remember it.
const LONGEST_PASSWORD: usize = 8 * 1024;

/// Whether a value is a name and a password (RFC 7617), one alone. What is anything else is no
/// password, and whoever knows passwords need not be asked about it.
#[must_use]
pub fn is_password(value: &[u8]) -> bool {
    let is_basic = |(scheme, _): (&[u8], &[u8])| scheme.eq_ignore_ascii_case(b"basic");
    value.len() <= LONGEST_PASSWORD && split(value).is_some_and(is_basic)
}

/// One value, as `Basic` (RFC 7617) and `Bearer` (RFC 6750) have it. Envoy joins lines of one name
/// with a comma: behind the first token there could be a second, of somebody else.
fn is_token68(credentials: &[u8]) -> bool {
    let end = credentials.iter().rposition(|byte| *byte != b'=');
    let (value, _) = credentials
        .split_at_checked(end.map_or(0, |end| end.saturating_add(1)))
        .unwrap_or_default();
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    !value.is_empty() && value.iter().all(known)
}

/// Scheme and credentials (RFC 9110 section 11.4).
pub(super) fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = value.split_at_checked(end)?;
    let credentials = rest.trim_ascii();
    is_token68(credentials).then_some((scheme, credentials))
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Policy};

    use super::*;

    fn config(auth: &str) -> Config {
        let one = |url| Backend::at(url).with("auth", auth);
        Policy::new()
            .backend("one", one("https://one.example"))
            .backend("two", one("https://two.example"))
            .backend("open", Backend::at("https://open.example"))
            .read_by(Config::from_json)
    }

    #[test]
    fn everybody_gets_their_own() {
        let (token, basic) = (config("token"), config("basic"));
        #[rustfmt::skip]
        let rows: &[(&Config, &str, Option<&str>, &str)] = &[
            (&token, "Bearer portolan~one~abc", Some("Bearer abc"), "its own"),
            (&token, "bearer  portolan~one~a.b-c", Some("Bearer a.b-c"), "in any case"),
            (&token, "Bearer portolan~two~abc", None, "another's"),
            (&token, "Bearer portolan~on~abc", None, "the start of a name is not the name"),
            (&token, "Bearer abc", None, "nobody's"),
            (&token, "Basic YTpi", None, "a password is not for a token registry"),
            (&token, "Bearer portolan~one~abc,Bearer portolan~two~def", None, "two lines, joined"),
            (&token, "Bearer portolan~one~abc portolan~two~def", None, "two in one"),
            (&token, "Bearer portolan~one~abc==", Some("Bearer abc=="), "with its filling"),
            (&token, "Bearer portolan~one~ab=c", None, "filling is at the end"),
            (&token, "Bearer", None, "nothing"),
            (&token, "Bearer portolan~one~", None, "nothing behind the tag"),
            (&basic, "Basic YTpi", Some("Basic YTpi"), "a password"),
            (&basic, "bAsIc YTpi", Some("bAsIc YTpi"), "in any case"),
            (&basic, "Basic YTpi,Basic YTpj", None, "two lines, joined"),
            (&basic, "Bearer YTpi", None, "a token"),
        ];
        for (config, value, expected, reason) in rows {
            let found = for_auth_domain(config, AuthDomainId::new(0), value.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{value}: {reason}");
        }
    }

    #[test]
    fn passwords() {
        let long = |length: usize| format!("Basic {}", "a".repeat(length - 6));
        let (longest, too_long) = (long(LONGEST_PASSWORD), long(LONGEST_PASSWORD + 1));
        #[rustfmt::skip]
        let rows: &[(&str, bool, &str)] = &[
            ("Basic YTpi", true, "a password"),
            ("bAsIc  YTpi=", true, "in any case"),
            ("Basic Og==", true, "an empty name and password: who knows them says no"),
            (&longest, true, "8 KiB"),
            (&too_long, false, "longer than any server takes"),
            ("Bearer YTpi", false, "a token"),
            ("Negotiate YTpi", false, "a ticket"),
            ("BasicX YTpi", false, "another scheme"),
            ("Basic", false, "nothing"),
            ("Basic ", false, "nothing"),
            ("YTpi", false, "no scheme"),
            ("", false, "nothing"),
            ("Basic YTpi,Basic YTpj", false, "two lines, joined"),
            ("Basic YT pi", false, "a space"),
            ("Basic YTpi\u{e9}", false, "no base64"),
        ];
        for (value, expected, reason) in rows {
            assert_eq!(is_password(value.as_bytes()), *expected, "{value:.30}: {reason}");
        }
    }

    #[test]
    fn with_one_auth_domain_tokens_pass_as_they_are() {
        let one = Backend::at("https://one.example").tokens();
        let config = Policy::new().backend("one", one).read_by(Config::from_json);
        let sent = |value: &'static [u8]| for_auth_domain(&config, AuthDomainId::new(0), value);
        assert_eq!(sent(b"Bearer abc").as_deref(), Some(&b"Bearer abc"[..]));
        assert_eq!(sent(b"Bearer a\xff"), None, "no token has such bytes");
        assert_eq!(sent(b"Bearer a,Bearer b"), None, "two lines, joined");
        assert_eq!(
            sent(b"Bearer portolan~one~abc").as_deref(),
            Some(&b"Bearer abc"[..]),
            "from when there were two"
        );
        assert_eq!(sent(b"Bearer portolan~gone~abc"), None);
    }
}
