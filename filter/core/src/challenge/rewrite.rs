//! Replaces the challenge of an upstream by the challenge that clients of a front get.

use super::parameters::Parameters;
use super::print::print;
use super::read::read;
use super::scheme::Challenge;
use super::scope_list::ScopeList;

/// What a front says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrontChallenge<'a> {
    /// The absolute URL of the front's token endpoint, on the scheme, host and port of the
    /// client's own request: several clients refuse a realm elsewhere. Visible ASCII.
    pub realm: &'a str,
    /// The service that tokens of this front are for. Visible ASCII.
    pub service: &'a str,
    /// The realm of `Basic` challenges: a label that people see (RFC 7617 section 2), nothing
    /// that is dialled.
    pub label: &'a str,
    /// How the upstream authenticates.
    pub accepts: Accepts,
}

/// How the policy says that an upstream authenticates. A challenge of another kind is never
/// turned into this one, nor this one made up where the upstream asked for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// With tokens of a token service.
    Bearer,
    /// With user and password on every request.
    Basic,
    /// Not at all.
    Nothing,
}

/// The `WWW-Authenticate` values for the client, one for each field line, given all values of
/// the upstream's answer, whatever its status. Empty if nothing is left to say.
///
/// Realm and service are the front's. Repositories in scopes get the front's names, and are left
/// out where they have none. Where `keep_scope` is false scopes are dropped: some registries answer
/// the ping with a placeholder (`repository:user/image:pull`) that clients would ask a token for. A
/// header that cannot be read, or whose scope is too large, is replaced by the [`bare`] challenge.
#[must_use]
pub fn rewrite(
    values: &[&[u8]],
    front: &FrontChallenge<'_>,
    name_at_front: &dyn Fn(&str) -> Option<String>,
    keep_scope: bool,
) -> Vec<Vec<u8>> {
    let scope_at_front = |scope: &str| {
        let list = ScopeList::parse([scope]).ok()?;
        Some(list.map_repositories(name_at_front).to_string())
    };
    let scope_at_front: ScopeAtFront<'_> = if keep_scope { Some(&scope_at_front) } else { None };
    let told = read(values).ok().and_then(|challenges| tell(challenges, front, scope_at_front));
    told.map_or_else(|| bare(front).into_iter().collect(), |told| print(&told))
}

/// The challenges of a 401 for the client: those of [`rewrite`], and the front's own before them
/// where none of them is of the kind that the front's clients know. RFC 9110 section 15.5.2 has a
/// challenge in every 401, and a client that is not told what was missing cannot get it. `scope` is
/// what was needed, by the front's names; empty for nothing that has a scope.
#[must_use]
pub fn unauthorized(
    rewritten: Vec<Vec<u8>>,
    front: &FrontChallenge<'_>,
    scope: &str,
) -> Vec<Vec<u8>> {
    let values: Vec<&[u8]> = rewritten.iter().map(Vec::as_slice).collect();
    let challenges = read(&values).unwrap_or_default();
    let is_known = |challenge: &Challenge| match front.accepts {
        Accepts::Bearer => matches!(challenge, Challenge::Bearer(_)),
        Accepts::Basic => matches!(challenge, Challenge::Basic(_)),
        Accepts::Nothing => true,
    };
    if challenges.iter().any(is_known) {
        return rewritten;
    }
    own(front, scope).into_iter().chain(rewritten).collect()
}

/// The front's own challenge, with nothing of the upstream in it; `None` if the upstream needs
/// no authentication.
#[must_use]
pub fn bare(front: &FrontChallenge<'_>) -> Option<Vec<u8>> {
    own(front, "")
}

fn own(front: &FrontChallenge<'_>, scope: &str) -> Option<Vec<u8>> {
    let challenge = match front.accepts {
        Accepts::Bearer => {
            let mut bearer = own_bearer(front)?;
            if !scope.is_empty() {
                bearer.add("scope", scope)?;
            }
            Challenge::Bearer(bearer)
        }
        Accepts::Basic => Challenge::Basic(own_basic(front)?),
        Accepts::Nothing => return None,
    };
    print(&[challenge]).pop()
}

/// A scope with the front's names, or `None` if it is too large; no function if scopes are
/// dropped.
type ScopeAtFront<'a> = Option<&'a dyn Fn(&str) -> Option<String>>;

/// The challenges to tell, none of them twice: what made two of an upstream's different may be
/// gone. `None` if one of them cannot be told.
fn tell(
    challenges: Vec<Challenge>,
    front: &FrontChallenge<'_>,
    scope_at_front: ScopeAtFront<'_>,
) -> Option<Vec<Challenge>> {
    let mut told = Vec::new();
    for challenge in challenges {
        let challenge = match (challenge, front.accepts) {
            (Challenge::Bearer(upstream), Accepts::Bearer) => {
                Challenge::Bearer(bearer(&upstream, front, scope_at_front)?)
            }
            (Challenge::Basic(upstream), Accepts::Basic) => {
                Challenge::Basic(basic(&upstream, front)?)
            }
            (Challenge::Bearer(_) | Challenge::Basic(_), _) => continue,
            (other @ Challenge::Other(_), _) => other,
        };
        if !told.contains(&challenge) {
            told.push(challenge);
        }
    }
    Some(told)
}

fn bearer(
    upstream: &Parameters,
    front: &FrontChallenge<'_>,
    scope_at_front: ScopeAtFront<'_>,
) -> Option<Parameters> {
    let mut told = own_bearer(front)?;
    for (name, value) in upstream.iter() {
        match (name, scope_at_front) {
            ("realm" | "service" | "error_uri", _) | ("scope", None) => {}
            ("scope", Some(at_front)) => told.add(name, &at_front(value)?)?,
            // Clients end their loops by the error, and people read its description
            // (RFC 6750 section 3).
            ("error" | "error_description", _) => told.add(name, value)?,
            // Extensions (RFC 6750 section 3 allows them) pass unless they hold a URL, such
            // as `resource_metadata` (RFC 9728) and Azure's `authorization_uri`: as with
            // `error_uri`, whoever followed it would talk past the front to the upstream, or
            // to a host of the upstream's choice, perhaps with credentials.
            _ if holds_url(value) => {}
            _ => told.add(name, value)?,
        }
    }
    Some(told)
}

/// The label in place of the realm: that of Amazon's registry names its host. All else (its
/// `service`) names the upstream too, but for the charset, whose one value is allowed by RFC
/// 7617 section 2.1.
fn basic(upstream: &Parameters, front: &FrontChallenge<'_>) -> Option<Parameters> {
    let mut told = own_basic(front)?;
    if upstream.get("charset").is_some_and(|charset| charset.eq_ignore_ascii_case("UTF-8")) {
        told.add("charset", "UTF-8")?;
    }
    Some(told)
}

fn own_bearer(front: &FrontChallenge<'_>) -> Option<Parameters> {
    let mut own = Parameters::default();
    own.add("realm", front.realm)?;
    own.add("service", front.service)?;
    Some(own)
}

fn own_basic(front: &FrontChallenge<'_>) -> Option<Parameters> {
    let mut own = Parameters::default();
    own.add("realm", front.label)?;
    Some(own)
}

/// Whether a value holds an absolute or a scheme-relative URL (RFC 3986 section 4.2).
fn holds_url(value: &str) -> bool {
    value.contains("://") || value.trim_start().starts_with("//")
}
