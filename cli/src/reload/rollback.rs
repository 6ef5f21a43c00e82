//! `portolan rollback`: a policy that was in force, with the files that were rendered of it then.

use std::io::Write;

use portolan_render::files::{Directory, Version};

use super::apply::{check_envoys, say_what_is_in_force};
use super::arguments::RollbackArgs;
use super::carry_out::Reload;
use super::envoy::Envoy;
use super::error::ReloadError;

/// Puts it in force.
///
/// # Errors
///
/// Whatever keeps the policy from it; the one before is in force then.
pub(crate) fn run(arguments: &RollbackArgs, out: &mut impl Write) -> Result<(), ReloadError> {
    let directory = Directory::new(&arguments.directory);
    let _lock = directory.lock()?;
    let state = directory.state()?;
    let version = choose(&state.versions, arguments.to.as_deref())?.clone();
    let set = directory.set(&version.id)?;
    let envoys: Vec<Envoy> =
        arguments.envoys.addresses(&state.site).into_iter().map(Envoy::new).collect();
    check_envoys(&envoys)?;
    let reload = Reload {
        directory: &directory,
        envoys: &envoys,
        timeout: arguments.envoys.timeout,
        settle: arguments.envoys.settle,
    };
    reload.to(state, &set)?;
    say_what_is_in_force(&directory, &envoys, &set, out)
}

/// The version before the last one, or the last one whose fingerprint begins so.
fn choose<'v>(versions: &'v [Version], to: Option<&str>) -> Result<&'v Version, ReloadError> {
    let found = match to {
        None => versions.iter().rev().nth(1),
        Some(to) => versions.iter().rev().find(|version| version.policy.starts_with(to)),
    };
    let which = to.map_or_else(|| "before this one".to_owned(), |to| format!("`{to}`"));
    found.ok_or(ReloadError::NothingBefore(which))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan_command::moment::Moment;

    #[test]
    fn which_one() {
        let version = |policy: &str| Version {
            id: format!("{policy}-1"),
            policy: policy.to_owned(),
            since: Moment::now(),
        };
        let all = ["a1", "a2", "b1"].map(version);
        let chosen = |to| choose(&all, to).map(|version| version.policy.as_str()).ok();
        assert_eq!(chosen(None), Some("a2"));
        assert_eq!(chosen(Some("a")), Some("a2"), "the last one");
        assert_eq!(chosen(Some("a1")), Some("a1"));
        assert_eq!(chosen(Some("c")), None);
        assert!(choose(&all[..1], None).is_err(), "there is none before");
    }
}
