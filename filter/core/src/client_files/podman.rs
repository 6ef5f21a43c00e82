//! The `registries.conf` of podman, buildah, skopeo and CRI-O (containers-registries.conf(5),
//! version 2).

use super::registries::{By, Registries, is_left_out};
use super::{Address, COMMENT, ClientFiles, quoted, single};

/// These clients send no `ns`, and a name under the front's default might begin as another upstream's.
const WAYS: &[By] = &[By::Host, By::Path, By::Default];

/// A mirror for each registry, which is asked itself after it. A front without TLS is declared so.
pub(super) fn files(registries: &Registries<'_>, address: &Address<'_>) -> ClientFiles {
    let insecure = if address.is_plain() { "insecure = true\n" } else { "" };
    let (mut tables, mut left_out) = (String::new(), Vec::new());
    for registry in &registries.all {
        let Some(place) = registry.place(WAYS, address) else {
            let remedy = "podman does not say which registry it means; give it `hosts` or \
                 `path: true`, or make it `default_upstream`";
            left_out.push(is_left_out(registry, remedy));
            continue;
        };
        let (name, mirror) = (quoted(registry.name), quoted(&place.location()));
        tables.push_str(&format!(
            "\n[[registry]]\nprefix = {name}\nlocation = {name}\n\n[[registry.mirror]]\nlocation = {mirror}\n\
             {insecure}"
        ));
    }
    for host in registries.own_hosts().filter(|_| address.is_plain()) {
        tables.push_str(&format!("\n[[registry]]\nlocation = {}\n{insecure}", quoted(host)));
    }
    let text = (!tables.is_empty()).then(|| format!("{COMMENT}{tables}"));
    single("registries.conf", text, left_out)
}
