//! The `daemon.json` of Docker Engine.

use serde_json::{Map, Value};

use super::registries::{By, DOCKER_HUB, Registries, is_left_out};
use super::{Address, ClientFiles, single};

/// Docker refuses mirrors with a path, and sends no `ns` from its classic image store.
const WAYS: &[By] = &[By::Host, By::Default];

/// Docker has mirrors of Docker Hub and of nothing else.
pub(super) fn files(registries: &Registries<'_>, address: &Address<'_>) -> ClientFiles {
    let (mut fields, mut left_out) = (Map::new(), Vec::new());
    for registry in &registries.all {
        if registry.name != DOCKER_HUB {
            left_out.push(is_left_out(registry, "Docker has mirrors of `docker.io` only"));
        } else if let Some(place) = registry.place(WAYS, address) {
            let mirrors = Value::from(vec![address.url(place.host)]);
            fields.insert("registry-mirrors".to_owned(), mirrors);
        } else {
            left_out.push(is_left_out(
                registry,
                "Docker does not say which registry it means; give it `hosts`, or make it \
                 `default_upstream`",
            ));
        }
    }
    let insecure: Vec<&str> = registries.own_hosts().filter(|_| address.is_plain()).collect();
    if !insecure.is_empty() {
        fields.insert("insecure-registries".to_owned(), insecure.into());
    }
    let text = (!fields.is_empty()).then(|| format!("{:#}\n", Value::Object(fields)));
    single("daemon.json", text, left_out)
}
