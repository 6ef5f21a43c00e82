//! The ping `GET /v2/`: from its answer a client learns whether and how it has to log in.
//!
//! Several clients look at nothing else: a 200 here switches their authentication off for good, and
//! the challenge here is the only one that they read.

use crate::config::{AuthDomainKind, Config, Front, FrontAuth};
use crate::policy::{CacheUse, Choice, Decision, Forward, Identity, Mounting, Refusal};

/// Answers `GET /v2/`, or says who does.
pub(super) fn answer<'c>(
    config: &'c Config,
    front: &Front,
    identity: Identity,
    authorization: Option<&[u8]>,
) -> Result<Decision<'c>, Refusal> {
    match front.auth() {
        FrontAuth::Managed => Ok(Decision::Ping),
        FrontAuth::Basic(_) => match identity {
            Identity::Verified => Ok(Decision::Ping),
            Identity::Anonymous => Err(Refusal::Unauthenticated),
        },
        FrontAuth::Upstream { list: list_id, kind, .. } => match kind {
            // A token is for a repository; whether it is good shows when the repository is asked.
            AuthDomainKind::Token if has_scheme(authorization, b"bearer") => Ok(Decision::Ping),
            // A password is looked at by whom it is for.
            AuthDomainKind::Basic if has_scheme(authorization, b"basic") => {
                let list = config.list(*list_id).ok_or(Refusal::Unauthenticated)?;
                Ok(Decision::Forward(Forward {
                    rule: None,
                    list,
                    list_id: *list_id,
                    choice: Choice::Login,
                    authority: None,
                    mounting: Mounting::Unasked,
                    cache: CacheUse::None,
                    stale_tag: None,
                }))
            }
            _ => Err(Refusal::Unauthenticated),
        },
    }
}

fn has_scheme(authorization: Option<&[u8]>, scheme: &[u8]) -> bool {
    let sent = authorization.and_then(|value| value.split(|byte| *byte == b' ').next());
    sent.is_some_and(|sent| sent.eq_ignore_ascii_case(scheme))
}
