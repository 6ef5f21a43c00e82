//! Mounting a blob from another repository (distribution spec, end-11).

use super::naming::Naming;
use super::refusal::Refusal;
use super::refused::{Asker, is_image_refused};
use crate::config::{Config, Front, Rule};
use crate::oci::RegistryRequest;

/// What becomes of `?mount=…&from=…` when an upload starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mounting {
    /// The request does not ask for one, or names no source; the query stays as it is.
    Unasked,
    /// The owner has the source too: the source's name is written as the owner knows it.
    From(String),
    /// Another backend owns the source, so the owner cannot see it, or the client may not have it.
    /// The wish is taken out, and the registry answers 202 with an ordinary upload, as the spec
    /// allows.
    Dropped,
}

/// Decides for a request that goes to the owner of `rule`.
pub(super) fn decide(
    config: &Config,
    rule: &Rule,
    request: &RegistryRequest<'_>,
    (front, naming, asker): (&Front, &Naming, &Asker<'_>),
) -> Result<Mounting, Refusal> {
    let Some(mount) = request.mount()? else { return Ok(Mounting::Unasked) };
    let Some(from) = mount.from else { return Ok(Mounting::Unasked) };
    let Some(from) = naming.to_policy(&from) else { return Ok(Mounting::Dropped) };
    if is_image_refused(config, asker, &from, mount.digest.as_str()) {
        return Ok(Mounting::Dropped);
    }
    let source = config.rules().find(front.id(), &from).and_then(|id| config.rules().get(id));
    let owner = rule.owner().map(|owner| owner.backend);
    let source_owner = source.and_then(Rule::owner).map(|owner| owner.backend);
    if owner.is_none() || source_owner != owner {
        return Ok(Mounting::Dropped);
    }
    let backend = owner.and_then(|id| config.backend(id));
    Ok(backend
        .map_or(Mounting::Dropped, |backend| Mounting::From(backend.names().to_backend(&from))))
}
