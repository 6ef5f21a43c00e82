//! The answer instead of an upstream's redirect or link that clients of the front cannot, or may
//! not, follow.

use super::body::Body;
use super::parts::{NO_STORE, Reply, headers};

/// Where an answer points that no client of the front can, or may, go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misdirection {
    /// An upload goes on at a path of the backend that is not of the API. What could be written as
    /// one of `upload_paths`, for the operator to see.
    UploadPath(Option<String>),
    /// To another such path.
    Path,
    /// A write goes on at another host.
    Host,
    /// To a repository that this client cannot name.
    Name,
    /// To the next page of a list, in a way that cannot be read, or that does not lead through the
    /// front.
    Page,
    /// To what is no URL.
    Unreadable,
}

/// The refusal of an answer that points there. Whom it points to is not told: clients are not to go
/// there, and the operator finds it in the log ([`Misdirection::for_operator`]).
#[must_use]
pub fn misdirected(misdirection: &Misdirection) -> Reply {
    let code = "UNKNOWN";
    let body = Body::error(code, misdirection.message());
    Reply { status: 502, code, headers: headers(&[NO_STORE]), body }
}

impl Misdirection {
    const fn message(&self) -> &'static str {
        match self {
            Self::UploadPath(_) => {
                "the registry goes on with this upload at a path of its own outside of `/v2/`; the operator of \
                 this proxy can allow that with `upload_paths` of the backend"
            }
            Self::Path => {
                "the registry points to a path of its own outside of `/v2/`, where this proxy does not lead; \
                 where that is content, its operator can have it fetched with `redirect_handling: follow` and the \
                 registry's own host in `followed_redirects.hosts` of the backend"
            }
            Self::Host => {
                "the registry goes on with this push at another host, which must not see what you log in here \
                 with; the operator of this proxy can have the registry name itself by the host that is in \
                 `url` of the backend"
            }
            Self::Name => {
                "the registry points to a repository that has no name at this proxy; its operator can give it \
                 one with `names` of the backend or with `upstreams` of the front"
            }
            Self::Page => {
                "there is more of this list, and the registry does not say where in a way that leads there \
                 through this proxy; ask for all of it at once, with a larger `n` or with none"
            }
            Self::Unreadable => "the registry points to what is no URL; its operator can mend that",
        }
    }

    /// The words for the access log.
    #[must_use]
    pub const fn in_short(&self) -> &'static str {
        match self {
            Self::UploadPath(_) => "its upload goes on outside of its API",
            Self::Path => "it points outside of its API",
            Self::Host => "its upload goes on at another host",
            Self::Name => "it points to a repository without a name here",
            Self::Page => "its next page leads nowhere",
            Self::Unreadable => "it points to what is no URL",
        }
    }

    /// What the operator of the proxy is told about the answer of a backend.
    #[must_use]
    pub fn for_operator(&self, backend: &str) -> String {
        let hint = match self {
            Self::UploadPath(Some(path)) => format!("; write `upload_paths: [{path}]`"),
            _ => String::new(),
        };
        format!("an answer of the backend `{backend}` was refused: {}{hint}", self.message())
    }
}
