//! A client's request to the token endpoint.
//!
//! Two forms, both of the distribution project's token authentication: a GET with a query ("Token
//! Authentication Specification") and a POST with a form ("Oauth2 Token Authentication").

use std::fmt;

use super::form::{self, FormError, Pair};
use super::secret::Secret;

/// The most different scopes of one request. Clients ask for one to three.
const MAXIMUM_SCOPES: usize = 200;

/// A request for a token, once its parameters are read.
///
/// The service and the scopes are those of the front: they say what the client wants, and other
/// ones take their place on the way to a backend's token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// How the client asks, and with what.
    pub grant: Grant,
    /// The name of the service, from the challenge that the client got.
    pub service: Option<String>,
    /// Every entry of every `scope` parameter, split at spaces, in order, each once. Not yet read:
    /// a scope may be of a type that nobody knows. Empty for `docker login`.
    pub scopes: Vec<String>,
    /// The user name, as Docker repeats it beside its credentials.
    pub account: Option<String>,
    /// The name of the client's program.
    pub client_id: Option<String>,
    /// Whether the answer should hold a refresh token, as written; GET only by specification.
    pub offline_token: Option<String>,
    /// `offline` if the answer should hold a refresh token; POST only by specification.
    pub access_type: Option<String>,
    /// All other parameters, in order, repeats included.
    pub others: Vec<Pair>,
}

/// How a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A GET: what the client may have follows from its `authorization` header, if it sends one.
    Get,
    /// A POST with a user name and a password (RFC 6749, section 4.3.2).
    Password {
        /// Whose password it is.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A POST with a token that an earlier answer held (RFC 6749, section 6).
    RefreshToken {
        /// That token.
        refresh_token: Secret,
    },
}

/// Why a request for a token cannot be read; always the client's to mend, status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRequestError {
    /// The body of a POST is said to be something else than a form.
    NotAForm,
    /// The query or body is not a readable form.
    Form(FormError),
    /// A parameter is there twice, with different values. RFC 6749, section 3.2: "Request and
    /// response parameters MUST NOT be included more than once." One reader takes the first, the
    /// next one the last. Only `scope` may repeat.
    Repeated(&'static str),
    /// A parameter that this kind of request needs is not there, or is empty.
    Missing(&'static str),
    /// The kind of grant is neither `password` nor `refresh_token`.
    GrantUnsupported,
    /// More than 200 different scopes.
    TooManyScopes,
}

impl TokenRequestError {
    /// The error code of RFC 6749, section 5.2.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::GrantUnsupported => "unsupported_grant_type",
            _ => "invalid_request",
        }
    }
}

impl fmt::Display for TokenRequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAForm => formatter.write_str(
                "the body of a request for a token must be a form; send it with content-type \
                 application/x-www-form-urlencoded",
            ),
            Self::Form(error) => error.fmt(formatter),
            Self::Repeated(key) => {
                write!(formatter, "{key} is there twice with different values; send it once")
            }
            Self::Missing(key) => write!(formatter, "{key} is missing; send it with a value"),
            Self::GrantUnsupported => {
                formatter.write_str("grant_type is not known here; send password or refresh_token")
            }
            Self::TooManyScopes => {
                formatter.write_str("there are too many scopes; send at most 200")
            }
        }
    }
}

/// Reads a GET from its query, without the question mark. No query at all is a request too: a
/// client that logs in without knowing a service.
///
/// # Errors
///
/// [`TokenRequestError`] if the query cannot be read, or not by every reader alike.
pub fn from_get(query: Option<&[u8]>) -> Result<TokenRequest, TokenRequestError> {
    let parameters = Parameters::read(query.unwrap_or_default())?;
    parameters.into_request(Grant::Get)
}

/// Reads a POST from its `content-type` and its body.
///
/// # Errors
///
/// [`TokenRequestError`] if the body is not a form, cannot be read by every reader alike, or asks
/// for a grant that token services of registries do not have.
pub fn from_post(
    content_type: Option<&[u8]>,
    body: &[u8],
) -> Result<TokenRequest, TokenRequestError> {
    if !content_type.is_some_and(is_form) {
        return Err(TokenRequestError::NotAForm);
    }
    let mut parameters = Parameters::read(body)?;
    let grant = parameters.take_grant()?;
    parameters.into_request(grant)
}

/// Whether a content type is a form's, whatever its parameters (RFC 9110, section 8.3.1).
fn is_form(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The parameters that are not yet taken.
struct Parameters(Vec<Pair>);

impl Parameters {
    fn read(form: &[u8]) -> Result<Self, TokenRequestError> {
        form::parse(form).map(Self).map_err(TokenRequestError::Form)
    }

    /// Takes every value of a key, in order.
    fn take_all(&mut self, key: &str) -> Vec<String> {
        self.0.extract_if(.., |pair| pair.key == key).map(|pair| pair.value).collect()
    }

    /// Takes the one value of a key. RFC 6749, section 3.2: "Parameters sent without a value MUST
    /// be treated as if they were omitted from the request."
    fn take(&mut self, key: &'static str) -> Result<Option<String>, TokenRequestError> {
        let mut values = self.take_all(key);
        values.retain(|value| !value.is_empty());
        values.dedup();
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(TokenRequestError::Repeated(key)),
        }
    }

    fn take_required(&mut self, key: &'static str) -> Result<String, TokenRequestError> {
        self.take(key)?.ok_or(TokenRequestError::Missing(key))
    }

    fn take_grant(&mut self) -> Result<Grant, TokenRequestError> {
        match self.take_required("grant_type")?.as_str() {
            "password" => Ok(Grant::Password {
                username: self.take_required("username")?,
                password: Secret::new(self.take_required("password")?),
            }),
            "refresh_token" => Ok(Grant::RefreshToken {
                refresh_token: Secret::new(self.take_required("refresh_token")?),
            }),
            _ => Err(TokenRequestError::GrantUnsupported),
        }
    }

    /// RFC 6749, section 3.3: "a list of space-delimited, case-sensitive strings".
    fn take_scopes(&mut self) -> Result<Vec<String>, TokenRequestError> {
        let mut scopes: Vec<String> = Vec::new();
        let values = self.take_all("scope");
        let entries = values.iter().flat_map(|value| value.split(' '));
        for entry in entries.filter(|entry| !entry.is_empty()) {
            if scopes.iter().any(|scope| scope == entry) {
                continue;
            }
            if scopes.len() >= MAXIMUM_SCOPES {
                return Err(TokenRequestError::TooManyScopes);
            }
            scopes.push(entry.to_owned());
        }
        Ok(scopes)
    }

    fn into_request(mut self, grant: Grant) -> Result<TokenRequest, TokenRequestError> {
        Ok(TokenRequest {
            grant,
            service: self.take("service")?,
            scopes: self.take_scopes()?,
            account: self.take("account")?,
            client_id: self.take("client_id")?,
            offline_token: self.take("offline_token")?,
            access_type: self.take("access_type")?,
            others: self.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request in one line: what was read, in the order of the fields.
    fn summary(request: &TokenRequest) -> String {
        let mut parts = vec![match &request.grant {
            Grant::Get => "get".to_owned(),
            Grant::Password { username, password } => {
                format!("password {username}/{}", password.expose())
            }
            Grant::RefreshToken { refresh_token } => {
                format!("refresh_token {}", refresh_token.expose())
            }
        }];
        let fields = [
            ("service", &request.service),
            ("account", &request.account),
            ("client_id", &request.client_id),
            ("offline_token", &request.offline_token),
            ("access_type", &request.access_type),
        ];
        for (name, value) in fields {
            parts.extend(value.as_ref().map(|value| format!("{name} {value}")));
        }
        parts.extend((!request.scopes.is_empty()).then(|| format!("scopes {:?}", request.scopes)));
        parts.extend(request.others.iter().map(|pair| format!("{}={}", pair.key, pair.value)));
        parts.join(", ")
    }

    type Case<'a> = (&'a str, Result<&'a str, TokenRequestError>, &'a str);

    fn check(cases: &[Case<'_>], read: impl Fn(&str) -> Result<TokenRequest, TokenRequestError>) {
        for (form, expected, reason) in cases {
            let found = read(form).map(|request| summary(&request));
            assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{form}: {reason}");
        }
    }

    #[test]
    fn gets() {
        use TokenRequestError::{Form, Repeated};
        let cases: &[Case<'_>] = &[
            ("", Ok("get"), "docker login without a service"),
            (
                "account=ann&client_id=docker&offline_token=true&service=reg.io",
                Ok("get, service reg.io, account ann, client_id docker, offline_token true"),
                "docker login asks for no scope",
            ),
            (
                "scope=repository%3Aa%3Apull&service=reg.io&scope=repository:b:pull",
                Ok("get, service reg.io, scopes [\"repository:a:pull\", \"repository:b:pull\"]"),
                "several scope parameters",
            ),
            (
                "scope=a:b:pull%20c:d:push&scope=c:d:push+e",
                Ok("get, scopes [\"a:b:pull\", \"c:d:push\", \"e\"]"),
                "several entries in one parameter; duplicates go; order stays",
            ),
            ("scope=&scope=++a++b+", Ok("get, scopes [\"a\", \"b\"]"), "empty entries are none"),
            ("service=&account=", Ok("get"), "empty parameters are omitted ones"),
            ("service=a&service=&service=a", Ok("get, service a"), "equal repeats are one"),
            ("service=a&service=b", Err(Repeated("service")), "readers would differ"),
            ("account=a&account=b", Err(Repeated("account")), "readers would differ"),
            (
                "service=a&access_type=offline&x=1&y=&x=2",
                Ok("get, service a, access_type offline, x=1, y=, x=2"),
                "others stay as they are",
            ),
            ("Service=a", Ok("get, Service=a"), "case matters"),
            ("grant_type=password", Ok("get, grant_type=password"), "means nothing in a GET"),
            ("a=%", Err(Form(FormError::EscapeInvalid)), "not a form"),
        ];
        check(cases, |query| from_get(Some(query.as_bytes())));
        assert_eq!(from_get(None), from_get(Some(b"")));
    }

    #[test]
    fn posts() {
        use TokenRequestError::{Form, GrantUnsupported, Missing, Repeated};
        let cases: &[Case<'_>] = &[
            (
                "client_id=containerd-client&grant_type=password&password=p%26w&\
                 scope=repository%3Aa%3Apull+repository%3Ab%3Apull&service=reg.io&username=ann",
                Ok("password ann/p&w, service reg.io, client_id containerd-client, \
                    scopes [\"repository:a:pull\", \"repository:b:pull\"]"),
                "containerd with a password",
            ),
            (
                "grant_type=refresh_token&refresh_token=r.t&service=s&access_type=offline",
                Ok("refresh_token r.t, service s, access_type offline"),
                "docker with an identity token",
            ),
            (
                "grant_type=refresh_token&refresh_token=r&username=ann",
                Ok("refresh_token r, username=ann"),
                "what belongs to another grant is just another parameter",
            ),
            ("", Err(Missing("grant_type")), "no grant"),
            ("grant_type=", Err(Missing("grant_type")), "an empty grant"),
            ("grant_type=password&password=p", Err(Missing("username")), "no user"),
            ("grant_type=password&username=u&password=", Err(Missing("password")), "empty"),
            ("grant_type=refresh_token", Err(Missing("refresh_token")), "no token"),
            ("grant_type=client_credentials", Err(GrantUnsupported), "not of registries"),
            ("grant_type=Password", Err(GrantUnsupported), "case matters"),
            (
                "grant_type=password&grant_type=refresh_token",
                Err(Repeated("grant_type")),
                "readers would differ",
            ),
            (
                "grant_type=password&username=u&password=a&password=b",
                Err(Repeated("password")),
                "readers would differ",
            ),
            ("grant_type=%zz", Err(Form(FormError::EscapeInvalid)), "not a form"),
        ];
        check(cases, |body| from_post(Some(b"application/x-www-form-urlencoded"), body.as_bytes()));
    }

    #[test]
    fn content_types() {
        let cases: &[(Option<&str>, bool)] = &[
            (Some("application/x-www-form-urlencoded"), true),
            (Some("Application/X-WWW-Form-Urlencoded ; charset=utf-8"), true),
            (Some("application/json"), false),
            (Some("multipart/form-data; application/x-www-form-urlencoded"), false),
            (Some("application/x-www-form-urlencoded2"), false),
            (Some(""), false),
            (None, false),
        ];
        for (content_type, is_form) in cases {
            let body = b"grant_type=refresh_token&refresh_token=r";
            let read = from_post(content_type.map(str::as_bytes), body);
            assert_eq!(read.is_ok(), *is_form, "{content_type:?}");
            assert!(*is_form || read == Err(TokenRequestError::NotAForm), "{content_type:?}");
        }
    }

    #[test]
    fn scopes_are_bounded() {
        let scopes =
            |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>().join("+");
        let read = |form: String| from_get(Some(form.as_bytes())).map(|read| read.scopes.len());
        assert_eq!(read(format!("scope={}", scopes(200))), Ok(200));
        assert_eq!(read(format!("scope={}+s7", scopes(200))), Ok(200), "a duplicate is not one");
        assert_eq!(read(format!("scope={}", scopes(201))), Err(TokenRequestError::TooManyScopes));
    }

    #[test]
    fn debug_hides_secrets() {
        let form = "grant_type=password&username=u&password=hunter2&client_secret=hunter2";
        let content_type = b"application/x-www-form-urlencoded";
        let request = from_post(Some(content_type), form.as_bytes()).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn errors_have_codes() {
        assert_eq!(TokenRequestError::GrantUnsupported.code(), "unsupported_grant_type");
        assert_eq!(TokenRequestError::NotAForm.code(), "invalid_request");
    }
}
