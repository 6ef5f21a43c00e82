//! BuildKit's `buildkitd.toml`.

use super::containerd::{REMEDY, ways};
use super::registries::{Registries, is_left_out};
use super::{Address, COMMENT, ClientFiles, Naming, quoted, single};

/// A mirror for each registry, which is asked itself after it. A front without TLS is declared so.
/// `BuildKit` asks as containerd does, `ns` included; a mirror's path it puts behind `/v2/` itself.
pub(super) fn files(
    registries: &Registries<'_>,
    address: &Address<'_>,
    naming: Naming,
) -> ClientFiles {
    let (mut tables, mut left_out) = (String::new(), Vec::new());
    for registry in &registries.all {
        match registry.place(ways(naming), address) {
            Some(place) => {
                let (name, mirror) = (quoted(registry.name), quoted(&place.location()));
                tables.push_str(&format!("\n[registry.{name}]\n  mirrors = [{mirror}]\n"));
            }
            None => left_out.push(is_left_out(registry, REMEDY)),
        }
    }
    for host in registries.own_hosts().filter(|_| address.is_plain()) {
        tables.push_str(&format!("\n[registry.{}]\n  http = true\n", quoted(host)));
    }
    let text = (!tables.is_empty()).then(|| format!("{COMMENT}{tables}"));
    single("buildkitd.toml", text, left_out)
}
