//! `BuildKit`'s `buildkitd.toml`.

use super::address::Address;
use super::containerd::{REMEDY, ways};
use super::file::{COMMENT, ClientFiles, quoted, single};
use super::naming::Naming;
use super::registries::Registries;

/// A mirror for each registry, which is asked itself after it. A front without TLS is declared so.
/// `BuildKit` asks as containerd does, `ns` included; a mirror's path it puts behind `/v2/` itself.
pub(super) fn files(
    registries: &Registries<'_>,
    address: &Address<'_>,
    naming: Naming,
) -> ClientFiles {
    let (mut tables, left_out) = registries.told(|registry| {
        let place = registry.place(ways(naming), address, REMEDY)?;
        let (name, mirror) = (quoted(registry.name), quoted(&place.location()));
        Ok(format!("\n[registry.{name}]\n  mirrors = [{mirror}]\n"))
    });
    let plain = registries.own_hosts().filter(|_| address.is_plain());
    tables.extend(plain.map(|host| format!("\n[registry.{}]\n  http = true\n", quoted(host))));
    let text = (!tables.is_empty()).then(|| [COMMENT, &tables.concat()].concat());
    single("buildkitd.toml", text, left_out)
}
