//! The `registries.yaml` of k3s and RKE2.

use super::containerd::{REMEDY, ways};
use super::registries::{Place, Registries, is_left_out};
use super::{Address, COMMENT, ClientFiles, Naming, quoted, single};

/// A mirror for each registry; k3s asks the registry itself after it. A front without TLS is one for
/// its own hosts, since k3s would ask those with TLS.
pub(super) fn files(
    registries: &Registries<'_>,
    address: &Address<'_>,
    naming: Naming,
) -> ClientFiles {
    let (mut entries, mut left_out) = (String::new(), Vec::new());
    for registry in &registries.all {
        match registry.place(ways(naming), address) {
            Some(place) => entries.push_str(&entry(registry.name, place, *address)),
            None => left_out.push(is_left_out(registry, REMEDY)),
        }
    }
    for host in registries.own_hosts().filter(|_| address.is_plain()) {
        entries.push_str(&entry(host, Place { host, prefix: None }, *address));
    }
    let text = (!entries.is_empty()).then(|| format!("{COMMENT}mirrors:\n{entries}"));
    single("registries.yaml", text, left_out)
}

/// A rewrite is a regular expression and what takes its place, which has no `$` of its own: names of
/// repositories have none.
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
