//! The right to read, as a registry's challenge says how to get it.

use std::time::{Duration, Instant};

use portolan_core::challenge::{self, Challenge, token_service};
use portolan_core::token::{self, Outcome, Secret, ServiceReply};
use ureq::http::header::{HeaderMap, WWW_AUTHENTICATE};
use ureq::http::{HeaderValue, Method, Uri};

use super::fault::Fault;
use super::http::{Ask, Client, without_query};
use super::login::Login;
use super::url::absolute;

/// The longest answer of a token service that is read, in bytes.
const LONGEST_TOKEN_ANSWER: u64 = 256 * 1024;

/// How long before its end a token is replaced: so that it does not end between two requests.
const MARGIN: Duration = Duration::from_secs(15);

/// What to send as `Authorization`, and how long it will do.
#[derive(Clone, Debug)]
pub struct Permit {
    authorization: Option<Secret>,
    until: Option<Instant>,
}

impl Permit {
    /// The value of the header; none for who may read without.
    #[must_use]
    pub const fn authorization(&self) -> Option<&Secret> {
        self.authorization.as_ref()
    }

    /// Whether it will do for requests to come.
    pub(super) fn is_fresh(&self) -> bool {
        let enough = Instant::now().checked_add(MARGIN);
        self.until.is_none_or(|until| enough.is_some_and(|enough| enough < until))
    }
}

/// What a registry wants of a client.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Password,
    Token {
        /// With service and scope in its query.
        url: Uri,
    },
}

/// Asks a registry for something without saying who asks, and does what it wants.
///
/// # Errors
///
/// It does not answer, wants something that the client has not, or its token service gives none.
pub fn sign_in(
    client: &Client,
    resource: &Uri,
    accept: &str,
    scope: &str,
    login: Option<&Login>,
) -> Result<Permit, Fault> {
    let url = resource.clone();
    let ask = Ask { method: Method::HEAD, url, accept: Some(accept), authorization: None };
    let answer = client.send(&ask)?;
    let wanted = wanted(answer.status, &answer.headers, scope);
    let wanted =
        wanted.map_err(|why| Fault::new(format_args!("{}: {why}", without_query(resource))))?;
    answer.discard();
    match (wanted, login) {
        (Wanted::Nothing, _) => Ok(Permit { authorization: None, until: None }),
        (Wanted::Password, Some(login)) => {
            Ok(Permit { authorization: Some(login.basic()), until: None })
        }
        (Wanted::Password, None) => Err(Fault::new(format_args!(
            "{} wants a user and a password; see `--username`",
            without_query(resource)
        ))),
        (Wanted::Token { url }, login) => fetch(client, resource, url, login),
    }
}

/// Reads the answer to somebody who is nobody; the first challenge that can be met counts.
fn wanted(status: u16, headers: &HeaderMap, scope: &str) -> Result<Wanted, &'static str> {
    if status != 401 {
        return Ok(Wanted::Nothing);
    }
    let values: Vec<&[u8]> =
        headers.get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes).collect();
    let challenges =
        challenge::read(&values).map_err(|_| "its challenge (WWW-Authenticate) cannot be read")?;
    if let Some(service) = token_service(&values) {
        let own = challenges.iter().find_map(own_scope).unwrap_or(scope);
        let url = token::target(&service.realm, service.service.as_deref(), own);
        return Ok(Wanted::Token {
            url: absolute(&url).ok_or("its token service has no usable URL")?,
        });
    }
    let has_basic = challenges.iter().any(|challenge| matches!(challenge, Challenge::Basic(_)));
    if has_basic {
        Ok(Wanted::Password)
    } else {
        Err("it answers 401 and does not say what it wants")
    }
}

fn own_scope(challenge: &Challenge) -> Option<&str> {
    match challenge {
        Challenge::Bearer(parameters) => parameters.get("scope").filter(|scope| !scope.is_empty()),
        _ => None,
    }
}

fn fetch(
    client: &Client,
    resource: &Uri,
    url: Uri,
    login: Option<&Login>,
) -> Result<Permit, Fault> {
    let shown = without_query(&url);
    let is_secure = |url: &Uri| url.scheme_str() == Some("https");
    if login.is_some() && is_secure(resource) && !is_secure(&url) {
        return Err(Fault::new(format_args!(
            "{} wants the password to be sent in the clear, to {shown}; it is not sent",
            without_query(resource)
        )));
    }
    let basic = login.map(Login::basic);
    let answer = client.send(&Ask { authorization: basic.as_ref(), ..Ask::get(url) })?;
    let status = answer.status;
    let body = answer.into_bytes(LONGEST_TOKEN_ANSWER)?;
    let reply = ServiceReply { status, body: &body, ..ServiceReply::default() };
    match token::read(&reply, login.is_some()) {
        Outcome::Token { value, expires_in } => Ok(Permit {
            authorization: Some(Secret::new(format!("Bearer {}", value.expose()))),
            until: Instant::now().checked_add(expires_in),
        }),
        Outcome::Denied(_) => Err(Fault::new(format_args!(
            "{shown} gives {} no token (status {status})",
            if login.is_some() {
                "this user, or with this password,"
            } else {
                "a client without a user"
            }
        ))),
        Outcome::Unavailable { why } => Err(Fault::new(format_args!("{shown}: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str = "repository:a/b:pull";

    fn read(status: u16, challenges: &[&str]) -> Result<Wanted, &'static str> {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        wanted(status, &headers, SCOPE)
    }

    /// Status, challenges, what the client must do, and the reason.
    type Row<'a> = (u16, &'a [&'a str], Result<Wanted, &'static str>, &'a str);

    #[test]
    fn wishes() {
        let token = |url: &str| Ok(Wanted::Token { url: url.parse().unwrap() });
        let hub = r#"Bearer realm="https://auth.example/token",service="r""#;
        let own = r#"Bearer realm="https://auth.example/token",service="r",scope="repository:library/b:pull""#;
        let asked = "https://auth.example/token?service=r&client_id=portolan&scope=repository%3Aa%2Fb%3Apull";
        let asked_own = "https://auth.example/token?service=r&client_id=portolan&scope=repository%3Alibrary%2Fb%3Apull";
        #[rustfmt::skip]
        let rows: [Row<'_>; 9] = [
            (200, &[], Ok(Wanted::Nothing), "everybody may"),
            (404, &[hub], Ok(Wanted::Nothing), "what is wrong is for the next request to say"),
            (401, &[hub], token(asked), "a token, for what is asked for"),
            (401, &[own], token(asked_own), "for what the registry calls it"),
            (401, &[r#"Basic realm="x""#, hub], token(asked), "a token is preferred: the registry gets no password"),
            (401, &[r#"Basic realm="x""#], Ok(Wanted::Password), "a password"),
            (401, &[r#"Bearer realm="/token", Basic realm="x""#], Ok(Wanted::Password), "what can be met"),
            (401, &["Negotiate"], Err("it answers 401 and does not say what it wants"), "what nobody here speaks"),
            (401, &[r#"Bearer realm=""#], Err("its challenge (WWW-Authenticate) cannot be read"), "a quote without an end"),
        ];
        for (status, challenges, wanted, reason) in rows {
            assert_eq!(read(status, challenges), wanted, "{reason}");
        }
    }

    #[test]
    fn tokens_end_and_passwords_do_not() {
        let until = |seconds| Instant::now().checked_add(Duration::from_secs(seconds));
        let rows = [(None, true), (until(60), true), (until(10), false), (until(0), false)];
        for (until, wanted) in rows {
            assert_eq!(Permit { authorization: None, until }.is_fresh(), wanted, "{until:?}");
        }
    }
}
