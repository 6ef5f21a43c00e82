//! Properties that hold for every name.

use proptest::prelude::*;

use super::*;
use crate::oci::query;

/// Hosts of the front, and which upstream each names, by its position.
const HOSTS: [(&str, Option<usize>); 4] = [
    ("mirror.example", None),
    ("hub.mirror.example", Some(0)),
    ("ghcr.mirror.example:8443", Some(1)),
    ("quiet.mirror.example", Some(3)),
];
/// Values of `ns`, likewise.
const NAMESPACES: [(&str, Option<usize>); 4] = [
    ("", None),
    ("docker.io", Some(0)),
    ("GHCR.io", Some(1)),
    ("registry.example%3A5000", Some(2)),
];

/// Names that begin as upstreams do, and others.
fn name() -> impl Strategy<Value = String> {
    let component = prop_oneof![
        Just("hub"),
        Just("ghcr.io"),
        Just("library"),
        Just("quiet"),
        Just("nginx"),
        Just("a")
    ];
    prop::collection::vec(component, 1..5).prop_map(|parts| parts.join("/"))
}

/// Parts of a query that a registry signs.
fn others() -> impl Strategy<Value = String> {
    "(x=[a%2f+=]{0,4}&?){0,3}"
}

proptest! {
    #[test]
    fn agrees_with_the_twin(name in name(), host in 0..4_usize, namespace in 0..4_usize) {
        let config = config();
        let ((host, of_host), (namespace, of_namespace)) = (HOSTS[host], NAMESPACES[namespace]);
        let target = format!("/v2/{name}/tags/list?ns={namespace}");
        let naming = naming(&config, host, &target).unwrap();
        let front = config.fronts().get(config.fronts().find(host.as_bytes()).unwrap()).unwrap();
        let expected = twin::to_policy(front, of_host, of_namespace, &name);
        prop_assert_eq!(naming.to_policy(&name).map(Cow::into_owned), expected);
    }

    #[test]
    fn a_name_comes_back(name in name(), host in 0..4_usize, namespace in 0..4_usize) {
        let target = format!("/v2/{name}/tags/list?ns={}", NAMESPACES[namespace].0);
        let naming = naming(&config(), HOSTS[host].0, &target).unwrap();
        let in_policy = naming.to_policy(&name).unwrap().into_owned();
        let written = naming.to_client(&in_policy).map(Cow::into_owned);
        prop_assert_eq!(written, Some(name));
    }

    /// Whatever a client is told means to the front what the policy meant.
    #[test]
    fn names_in_answers_mean_the_repository_that_was_asked(
        asked in name(),
        told in name(),
        prefix in prop_oneof![Just("hub/"), Just("ghcr.io/"), Just("quiet/"), Just("")],
        host in 0..4_usize,
        namespace in 0..4_usize,
    ) {
        let config = config();
        let (host, namespace) = (HOSTS[host].0, NAMESPACES[namespace].0);
        let naming = |name: &str| {
            naming(&config, host, &format!("/v2/{name}/tags/list?ns={namespace}")).unwrap()
        };
        let meant = format!("{prefix}{told}");
        if let Some(written) = naming(&asked).to_client(&meant) {
            let again = naming(&written).to_policy(&written).map(Cow::into_owned);
            prop_assert_eq!(again, Some(meant));
        }
    }

    /// All of a query but `ns` stays byte for byte, wherever `ns` stands.
    #[test]
    fn the_rest_of_a_query_stays(before in others(), after in others()) {
        let sent = format!("{before}&ns=docker.io&{after}");
        let kept = query::without(sent.as_bytes(), &[NAMESPACE]);
        prop_assert_eq!(kept, format!("{before}&{after}").into_bytes());
    }
}
