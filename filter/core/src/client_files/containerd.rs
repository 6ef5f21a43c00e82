//! containerd's `hosts.toml`, one in a directory for each registry.

use super::address::Address;
use super::file::{COMMENT, ClientFile, ClientFiles, quoted};
use super::naming::Naming;
use super::registries::{By, Place, Registries};

/// What to write in the policy for a registry that clients with `ns` cannot name.
pub(super) const REMEDY: &str =
    "this client sends `ns`, and the policy does not list it; write it there, or give it `hosts`";

/// By what clients that send `ns` name registries, what suits them best first.
pub(super) const fn ways(naming: Naming) -> &'static [By] {
    match naming {
        Naming::Namespace => &[By::Namespace, By::Host],
        Naming::Path => &[By::Path, By::Namespace, By::Host],
    }
}

/// A mirror for each registry, and a file for each of the front's own hosts, which is all there is
/// for a front that stands for none.
pub(super) fn files(
    registries: &Registries<'_>,
    address: &Address<'_>,
    naming: Naming,
) -> ClientFiles {
    let mut made = ClientFiles::default();
    for registry in &registries.all {
        match registry.place(ways(naming), address, REMEDY) {
            Ok(place) => made.files.push(ClientFile {
                path: path(registry.name),
                text: mirror(&registry.own_url(), place, *address),
            }),
            Err(sentence) => made.left_out.push(sentence),
        }
    }
    made.files.extend(registries.own_hosts().map(|host| {
        let url = quoted(&address.url(host));
        let text = format!(
            "{COMMENT}server = {url}\n\n[host.{url}]\n  capabilities = [\"pull\", \"resolve\", \"push\"]\n"
        );
        ClientFile { path: path(host), text }
    }));
    made
}

fn path(registry: &str) -> String {
    format!("{registry}/hosts.toml")
}

/// The front first, the registry itself (`server`) after it. Pushes go to the registry: the policy
/// may not know its owner.
fn mirror(own_url: &str, place: Place<'_>, address: Address<'_>) -> String {
    let host = address.url(place.host);
    let (url, is_in_path) = match place.prefix {
        Some(prefix) => (format!("{host}/v2/{prefix}"), "  override_path = true\n"),
        None => (host, ""),
    };
    format!(
        "{COMMENT}server = {}\n\n[host.{}]\n  capabilities = [\"pull\", \"resolve\"]\n{is_in_path}",
        quoted(own_url),
        quoted(&url)
    )
}
