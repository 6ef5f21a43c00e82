//! The `registries.conf` of podman, buildah, skopeo and CRI-O (containers-registries.conf(5),
//! version 2).

use super::address::Address;
use super::file::{COMMENT, ClientFiles, quoted, single};
use super::registries::{By, Registries};

/// These clients send no `ns`, and a name under the front's default might begin as another
/// upstream's.
const WAYS: &[By] = &[By::Host, By::Path, By::Default];
const REMEDY: &str = "podman does not say which registry it means; give it `hosts` or `path: true`, \
     or make it `default_upstream`";

/// A mirror for each registry, which is asked itself after it. A front without TLS is declared so.
pub(super) fn files(registries: &Registries<'_>, address: &Address<'_>) -> ClientFiles {
    let insecure = if address.is_plain() { "insecure = true\n" } else { "" };
    let (mut tables, left_out) = registries.told(|registry| {
        let place = registry.place(WAYS, address, REMEDY)?;
        let (name, mirror) = (quoted(registry.name), quoted(&place.location()));
        let table = format!("\n[[registry]]\nprefix = {name}\nlocation = {name}\n");
        Ok(format!("{table}\n[[registry.mirror]]\nlocation = {mirror}\n{insecure}"))
    });
    let plain = registries.own_hosts().filter(|_| address.is_plain());
    tables.extend(
        plain.map(|host| format!("\n[[registry]]\nlocation = {}\n{insecure}", quoted(host))),
    );
    let text = (!tables.is_empty()).then(|| [COMMENT, &tables.concat()].concat());
    single("registries.conf", text, left_out)
}
