//! The `registries.yaml` of k3s and RKE2.

use super::address::Address;
use super::containerd::{REMEDY, ways};
use super::file::{COMMENT, ClientFiles, quoted, single};
use super::naming::Naming;
use super::registries::{Place, Registries};

/// A mirror for each registry; k3s asks the registry itself after it. A front without TLS is one
/// for its own hosts, since k3s would ask those with TLS.
pub(super) fn files(
    registries: &Registries<'_>,
    address: &Address<'_>,
    naming: Naming,
) -> ClientFiles {
    let (mut entries, left_out) = registries.told(|registry| {
        let place = registry.place(ways(naming), address, REMEDY)?;
        Ok(entry(registry.name, place, *address))
    });
    let plain = registries.own_hosts().filter(|_| address.is_plain());
    entries.extend(plain.map(|host| entry(host, Place { host, prefix: None }, *address)));
    let text = (!entries.is_empty()).then(|| format!("{COMMENT}mirrors:\n{}", entries.concat()));
    single("registries.yaml", text, left_out)
}

/// A rewrite is a regular expression and what takes its place, which has no `$` of its own: names
/// of repositories have none.
fn entry(registry: &str, place: Place<'_>, address: Address<'_>) -> String {
    let rewrite = place.prefix.map(|prefix| {
        format!("    rewrite:\n      \"^(.*)$\": {}\n", quoted(&format!("{prefix}/$1")))
    });
    format!(
        "  {}:\n    endpoint:\n      - {}\n{}",
        quoted(registry),
        quoted(&address.url(place.host)),
        rewrite.unwrap_or_default()
    )
}
