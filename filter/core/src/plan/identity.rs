//! The identity of a client, as far as the front itself verifies it.

use super::head::RequestHead;
use crate::attempt::{is_password, user_name};
use crate::config::{Front, FrontAuth, Verifier};
use crate::policy::{Identity, Password, Refusal};

/// What is known of who asks.
pub(super) enum Identified<'c> {
    /// All that there is to know.
    As(Identity),
    /// A password, which this one knows to be right or wrong.
    By(&'c Verifier),
}

/// Who asks. Only a front with passwords of its own looks; where it does, a wrong one is refused
/// even if none was needed: somebody meant it.
pub(super) fn identify<'c>(
    front: &'c Front,
    head: &RequestHead<'_>,
    password: Option<Password>,
) -> Result<Identified<'c>, Refusal> {
    let FrontAuth::Basic(verifier) = front.auth() else {
        return Ok(Identified::As(Identity::Anonymous));
    };
    match (head.authorization, password) {
        (None, _) => Ok(Identified::As(Identity::Anonymous)),
        (Some(value), _) if !is_password(value) => Err(Refusal::Unauthenticated),
        (Some(_), None) => Ok(Identified::By(verifier)),
        (Some(_), Some(Password::Right)) => Ok(Identified::As(Identity::Verified)),
        (Some(_), Some(Password::Wrong)) => Err(Refusal::Unauthenticated),
        (Some(_), Some(Password::Unknown)) => Err(Refusal::UnknownPassword),
    }
}

/// Who it is, where the front itself has found the password right. What backends are told is
/// between them and the client.
pub(super) fn verified_user(
    front: &Front,
    head: &RequestHead<'_>,
    password: Option<Password>,
) -> Option<String> {
    let is_verified =
        matches!(front.auth(), FrontAuth::Basic(_)) && password == Some(Password::Right);
    head.authorization.filter(|_| is_verified).and_then(user_name)
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Rule};

    use super::*;
    use crate::config::Config;

    fn policy() -> Policy {
        Policy::new()
            .front("open", Front::at(["open.example"]))
            .front("passwords", Front::at(["p.example"]).passwords())
            .backend("a", Backend::at("https://a.example"))
            .rule(Rule::all().chain(["a"]))
    }

    #[test]
    fn only_verified_clients_have_a_name() {
        use Password::{Right, Unknown, Wrong};
        let config = policy().read_by(Config::from_json);
        let alice: &[u8] = b"Basic YWxpY2U6c2VjcmV0";
        #[rustfmt::skip]
        let rows: [(&str, Option<&[u8]>, Option<Password>, Option<&str>, &str); 7] = [
            ("passwords", Some(alice), Some(Right), Some("alice"), "it is right"),
            ("passwords", Some(alice), Some(Wrong), None, "anybody can say a name"),
            ("passwords", Some(alice), Some(Unknown), None, "nobody could say"),
            ("passwords", Some(alice), None, None, "nobody was asked"),
            ("passwords", None, Some(Right), None, "there is none"),
            ("passwords", Some(b"Bearer YWxpY2U6c2VjcmV0"), Some(Right), None, "a token"),
            ("open", Some(alice), Some(Right), None, "the front asks for none"),
        ];
        for (name, authorization, password, expected, reason) in rows {
            let front = config.fronts().all().iter().find(|front| front.name() == name).unwrap();
            let head = RequestHead { authorization, ..RequestHead::default() };
            let found = verified_user(front, &head, password);
            assert_eq!(found.as_deref(), expected, "{name}: {reason}");
        }
    }
}
