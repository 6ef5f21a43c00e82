//! The `daemon.json` of Docker Engine.

use serde_json::{Map, Value};

use super::address::Address;
use super::file::{ClientFiles, single};
use super::registries::{By, DOCKER_HUB, Registries};

/// Docker refuses mirrors with a path, and sends no `ns` from its classic image store.
const WAYS: &[By] = &[By::Host, By::Default];
const REMEDY: &str = "Docker does not say which registry it means; give it `hosts`, or make it \
     `default_upstream`";
const HUB_ONLY: &str = "Docker has mirrors of `docker.io` only";

/// Docker has mirrors of Docker Hub and of nothing else.
pub(super) fn files(registries: &Registries<'_>, address: &Address<'_>) -> ClientFiles {
    let mut fields = Map::new();
    let (mirrors, left_out) = registries.told(|registry| {
        let (ways, remedy) =
            if registry.name == DOCKER_HUB { (WAYS, REMEDY) } else { (&[][..], HUB_ONLY) };
        Ok(address.url(registry.place(ways, address, remedy)?.host))
    });
    if !mirrors.is_empty() {
        fields.insert("registry-mirrors".to_owned(), mirrors.into());
    }
    let insecure: Vec<&str> = registries.own_hosts().filter(|_| address.is_plain()).collect();
    if !insecure.is_empty() {
        fields.insert("insecure-registries".to_owned(), insecure.into());
    }
    let text = (!fields.is_empty()).then(|| format!("{:#}\n", Value::Object(fields)));
    single("daemon.json", text, left_out)
}
