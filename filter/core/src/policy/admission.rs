//! Admission: the clients that may use a rule through a front.
//!
//! Each backend decides itself what its own users may do. This module decides about the proxy's own
//! credentials, and about the passwords that the front checks.

use super::refusal::Refusal;
use crate::client::Locality;
use crate::config::ids::RuleId;
use crate::config::{Front, FrontAuth, Readers, Rule};

/// What a front knows of who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// Nothing.
    #[default]
    Anonymous,
    /// That the password is right.
    Verified,
}

/// Admits a request to the repositories of a rule, or says why not.
///
/// # Errors
///
/// [`Refusal::Unauthenticated`] where a password would help, [`Refusal::Denied`] where none would.
pub(super) fn admit(
    front: &Front,
    (id, rule): (RuleId, &Rule),
    is_write: bool,
    identity: Identity,
    locality: &Locality,
) -> Result<(), Refusal> {
    let has_passwords = matches!(front.auth(), FrontAuth::Basic(_));
    let verified = identity == Identity::Verified;
    let denied =
        if has_passwords && !verified { Refusal::Unauthenticated } else { Refusal::Denied(id) };
    let in_networks = |readers: &Readers| match readers {
        Readers::Networks(labels) => locality.label.is_some_and(|label| labels.contains(&label)),
        Readers::Anyone | Readers::Authenticated => true,
    };
    if rule.readers().is_some_and(|readers| !in_networks(readers)) {
        return Err(Refusal::Denied(id));
    }
    let needs_password = match rule.readers() {
        _ if is_write => rule.writers() || has_passwords,
        Some(Readers::Anyone) => false,
        Some(Readers::Authenticated) => true,
        // A front with passwords asks for them unless the rule is for anyone.
        Some(Readers::Networks(_)) | None => has_passwords,
    };
    if needs_password && !verified { Err(denied) } else { Ok(()) }
}

/// Whether writes are taken at the moment; the rule's own reason comes before the front's.
///
/// # Errors
///
/// [`Refusal::WritesOfRule`], [`Refusal::WritesOfFront`].
pub(super) fn writes_are_taken(front: &Front, (id, rule): (RuleId, &Rule)) -> Result<(), Refusal> {
    if rule.writes_refused().is_some() {
        return Err(Refusal::WritesOfRule(id));
    }
    if front.writes_refused().is_some() {
        return Err(Refusal::WritesOfFront(front.id()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Rule};
    use serde_json::json;

    use super::*;
    use crate::client::Why;
    use crate::config::Config;
    use crate::config::ids::LabelId;

    fn policy() -> Policy {
        Policy::new()
            .front("open", Front::at(["open.example"]))
            .front("passwords", Front::at(["p.example"]).passwords())
            .front("upstream", Front::at(["u.example"]).logins_of("hub"))
            .backend("hub", Backend::at("https://hub.example").tokens())
            .backend("robot", Backend::at("https://robot.example").tokens().credential("c"))
            .network("office", ["10.0.0.0/8"])
            .credential("c")
            .rule(Rule::of("silent").chain(["hub"]))
            .rule(Rule::of("anyone").chain(["robot"]).readers("anyone"))
            .rule(
                Rule::of("users")
                    .chain(["robot"])
                    .readers("authenticated")
                    .owner("robot")
                    .writers("authenticated"),
            )
            .rule(
                Rule::of("office")
                    .chain(["robot"])
                    .with("readers", json!({"networks": ["office"]})),
            )
    }

    fn run(
        front: &str,
        rule: &str,
        is_write: bool,
        identity: Identity,
        in_office: bool,
    ) -> &'static str {
        let config = policy().read_by(Config::from_json);
        let front = config.fronts().all().iter().find(|each| each.name() == front).unwrap();
        let id = config.rules().find(front.id(), &format!("{rule}/x")).unwrap();
        let locality = Locality {
            region: config.regions().default_region(),
            label: in_office.then(|| LabelId::new(0)),
            country: None,
            why: Why::Default,
        };
        let rule = config.rules().get(id).unwrap();
        match admit(front, (id, rule), is_write, identity, &locality) {
            Ok(()) => "admitted",
            Err(Refusal::Unauthenticated) => "401",
            Err(Refusal::Denied(_)) => "403",
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn readers_and_writers_of_rules() {
        use Identity::{Anonymous, Verified};
        #[rustfmt::skip]
        let rows = [
            ("open", "silent", false, Anonymous, false, "admitted", "no credential of the proxy's is at stake"),
            ("open", "anyone", false, Anonymous, false, "admitted", "said so"),
            ("open", "users", false, Anonymous, false, "403", "nobody can prove anything here"),
            ("open", "users", true, Anonymous, true, "403", "pushes even less"),
            ("open", "office", false, Anonymous, false, "403", "not from there"),
            ("open", "office", false, Anonymous, true, "admitted", "from there"),
            ("passwords", "silent", false, Anonymous, false, "401", "the front asks everybody"),
            ("passwords", "silent", false, Verified, false, "admitted", "the password was right"),
            ("passwords", "anyone", false, Anonymous, false, "admitted", "said so"),
            ("passwords", "users", false, Anonymous, false, "401", "a password would help"),
            ("passwords", "users", false, Verified, false, "admitted", "the password was right"),
            ("passwords", "users", true, Anonymous, false, "401", "a password would help"),
            ("passwords", "users", true, Verified, false, "admitted", "the password was right"),
            ("passwords", "office", false, Verified, false, "403", "no password helps from elsewhere"),
            ("passwords", "office", false, Anonymous, true, "401", "both are needed"),
            ("passwords", "office", false, Verified, true, "admitted", "both are there"),
            ("passwords", "anyone", true, Anonymous, false, "401", "writes are never anonymous"),
            ("upstream", "silent", true, Anonymous, false, "admitted", "the registry decides"),
            ("upstream", "users", true, Anonymous, false, "403", "the proxy's credential is not theirs"),
            ("upstream", "users", false, Anonymous, false, "403", "the proxy's credential is not theirs"),
        ];
        for (front, rule, is_write, identity, in_office, expected, reason) in rows {
            let found = run(front, rule, is_write, identity, in_office);
            assert_eq!(found, expected, "{front} {rule} {is_write} {identity:?}: {reason}");
        }
    }
}
