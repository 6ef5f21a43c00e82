//! Whole files, as clients read them. That the real clients do is for the integration tests.

use serde_json::Value;

use super::file::COMMENT;
use super::*;
use crate::config::{Config, Scheme};

/// One front for every way to be named, one for a single namespace.
const POLICY: &str = r#"{
    "version": 1,
    "fronts": {
        "mirror": {
            "hosts": ["mirror.example.com", "Other.example:8443"],
            "upstreams": {
                "docker.io": {"library": true, "ns": ["docker.io", "index.docker.io", "registry-1.docker.io"]},
                "ghcr.io": {"hosts": ["ghcr.mirror.example.com"]},
                "quay": {"prefix": "copies/quay/", "ns": ["quay.io"]},
                "lab": {"prefix": "lab/", "ns": ["registry.lab:5000"], "path": false},
                "hidden.example": {"ns": [], "hosts": ["hidden.mirror.example.com"]},
                "mute.example": {"ns": []},
                "own": {"prefix": "own/"}
            },
            "default_upstream": "docker.io"
        },
        "plain": {"hosts": ["plain.example:5000", "localhost"]},
        "hub": {"hosts": ["hub.example"], "upstreams": {"docker.io": {"hosts": ["docker.hub.example"]}}},
        "odd": {"hosts": ["odd.example", "[../x"], "upstreams": {"a": {"ns": ["odd.example", "[../../x"]}}}
    },
    "backends": {"hub": {"url": "https://cache.example"}},
    "regions": {"default": {}},
    "rules": [{"name": "r", "repositories": ["**"], "chains": {"default": ["hub"]}}]
}"#;

fn config() -> Config {
    Config::from_json(POLICY.as_bytes()).unwrap()
}

fn front<'c>(config: &'c Config, name: &str) -> &'c Front {
    config.fronts().all().iter().find(|front| front.name() == name).unwrap()
}

fn made(kind: ClientKind, name: &str, scheme: Scheme, naming: Naming) -> ClientFiles {
    let config = config();
    let front = front(&config, name);
    client_files(kind, front, &Address::canonical(front, scheme), naming)
}

/// The files with their paths, without the line that says where they are from.
fn shown(kind: ClientKind, name: &str, scheme: Scheme, naming: Naming) -> String {
    let files = made(kind, name, scheme, naming).files.into_iter();
    let shown = files.map(|file| {
        [
            "== ",
            &file.path,
            "
",
            &file.text.replacen(COMMENT, "", 1),
        ]
        .concat()
    });
    shown.collect()
}

fn usual(kind: ClientKind, name: &str) -> String {
    shown(kind, name, Scheme::Https, Naming::Namespace)
}

fn unencrypted(kind: ClientKind, name: &str) -> String {
    shown(kind, name, Scheme::Http, Naming::Namespace)
}

#[test]
fn containerd_has_a_directory_for_each_registry() {
    let mirror = |registry: &str, own: &str, host: &str| {
        format!(
            "== {registry}/hosts.toml\nserver = \"https://{own}\"\n\n[host.\"https://{host}\"]\n  \
             capabilities = [\"pull\", \"resolve\"]\n"
        )
    };
    let own = |host: &str| {
        format!(
            "== {host}/hosts.toml\nserver = \"https://{host}\"\n\n[host.\"https://{host}\"]\n  \
             capabilities = [\"pull\", \"resolve\", \"push\"]\n"
        )
    };
    let expected = [
        mirror("docker.io", "registry-1.docker.io", "mirror.example.com"),
        mirror("ghcr.io", "ghcr.io", "mirror.example.com"),
        mirror("quay.io", "quay.io", "mirror.example.com"),
        mirror("registry.lab:5000", "registry.lab:5000", "mirror.example.com"),
        mirror("hidden.example", "hidden.example", "hidden.mirror.example.com"),
        own("mirror.example.com"),
        own("other.example:8443"),
        own("ghcr.mirror.example.com"),
        own("hidden.mirror.example.com"),
    ];
    assert_eq!(usual(ClientKind::Containerd, "mirror"), expected.concat());
    let expected = [own("plain.example:5000"), own("localhost")].concat().replace("https", "http");
    assert_eq!(unencrypted(ClientKind::Containerd, "plain"), expected);
}

#[test]
fn containerd_names_registries_in_paths_where_it_must() {
    let found = shown(ClientKind::Containerd, "mirror", Scheme::Http, Naming::Path);
    let quay = "== quay.io/hosts.toml\nserver = \"https://quay.io\"\n\n\
         [host.\"http://mirror.example.com/v2/copies/quay\"]\n  capabilities = [\"pull\", \"resolve\"]\n  \
         override_path = true\n";
    assert!(found.contains(quay), "{found}");
    let lab =
        "[host.\"http://mirror.example.com\"]\n  capabilities = [\"pull\", \"resolve\"]\n== hidden";
    assert!(found.contains(lab), "it has no path: {found}");
}

#[test]
fn k3s_has_one_file() {
    let expected = r#"== registries.yaml
mirrors:
  "docker.io":
    endpoint:
      - "https://mirror.example.com"
  "ghcr.io":
    endpoint:
      - "https://mirror.example.com"
  "quay.io":
    endpoint:
      - "https://mirror.example.com"
  "registry.lab:5000":
    endpoint:
      - "https://mirror.example.com"
  "hidden.example":
    endpoint:
      - "https://hidden.mirror.example.com"
"#;
    assert_eq!(usual(ClientKind::K3s, "mirror"), expected);
    let by_path = shown(ClientKind::K3s, "hub", Scheme::Http, Naming::Path);
    let expected = r#"== registries.yaml
mirrors:
  "docker.io":
    endpoint:
      - "http://hub.example"
    rewrite:
      "^(.*)$": "docker.io/$1"
  "hub.example":
    endpoint:
      - "http://hub.example"
  "docker.hub.example":
    endpoint:
      - "http://docker.hub.example"
"#;
    assert_eq!(by_path, expected);
}

#[test]
fn docker_has_mirrors_of_docker_hub() {
    let rows = [
        ("mirror", Scheme::Https, r#"{"registry-mirrors":["https://mirror.example.com"]}"#),
        ("hub", Scheme::Https, r#"{"registry-mirrors":["https://docker.hub.example"]}"#),
        (
            "hub",
            Scheme::Http,
            r#"{"registry-mirrors":["http://docker.hub.example"],"insecure-registries":["hub.example","docker.hub.example"]}"#,
        ),
        ("plain", Scheme::Http, r#"{"insecure-registries":["plain.example:5000","localhost"]}"#),
    ];
    for (name, scheme, expected) in rows {
        let files = made(ClientKind::Docker, name, scheme, Naming::Namespace).files;
        let [file] = files.as_slice() else { panic!("{name}: {files:?}") };
        let found: Value = serde_json::from_str(&file.text).unwrap();
        assert_eq!((file.path.as_str(), found.to_string().as_str()), ("daemon.json", expected));
        assert!(file.text.ends_with("}\n"));
    }
}

#[test]
fn podman_asks_a_host_or_a_path() {
    let expected = r#"== registries.conf

[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "mirror.example.com/docker.io"

[[registry]]
prefix = "ghcr.io"
location = "ghcr.io"

[[registry.mirror]]
location = "ghcr.mirror.example.com"

[[registry]]
prefix = "quay.io"
location = "quay.io"

[[registry.mirror]]
location = "mirror.example.com/copies/quay"

[[registry]]
prefix = "hidden.example"
location = "hidden.example"

[[registry.mirror]]
location = "hidden.mirror.example.com"

[[registry]]
prefix = "mute.example"
location = "mute.example"

[[registry.mirror]]
location = "mirror.example.com/mute.example"
"#;
    assert_eq!(usual(ClientKind::Podman, "mirror"), expected);
    let expected = r#"== registries.conf

[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "docker.hub.example"
insecure = true

[[registry]]
location = "hub.example"
insecure = true

[[registry]]
location = "docker.hub.example"
insecure = true
"#;
    assert_eq!(unencrypted(ClientKind::Podman, "hub"), expected);
}

#[test]
fn buildkit_has_tables() {
    let expected = r#"== buildkitd.toml

[registry."docker.io"]
  mirrors = ["hub.example"]

[registry."hub.example"]
  http = true

[registry."docker.hub.example"]
  http = true
"#;
    assert_eq!(unencrypted(ClientKind::Buildkit, "hub"), expected);
    let by_path = shown(ClientKind::Buildkit, "mirror", Scheme::Https, Naming::Path);
    assert!(
        by_path
            .contains("[registry.\"quay.io\"]\n  mirrors = [\"mirror.example.com/copies/quay\"]")
    );
}

#[test]
fn left_out_files_are_named() {
    #[rustfmt::skip]
    let rows: &[(ClientKind, &str, &[&str])] = &[
        (ClientKind::Containerd, "mirror", &["`mute.example`", "`own`"]),
        (ClientKind::K3s, "mirror", &["`mute.example`", "`own`"]),
        (ClientKind::Buildkit, "mirror", &["`mute.example`", "`own`"]),
        (ClientKind::Podman, "mirror", &["`registry.lab:5000`", "`own`"]),
        (ClientKind::Docker, "mirror", &["`ghcr.io`", "`quay.io`", "`registry.lab:5000`", "`hidden.example`", "`mute.example`", "`own`"]),
        (ClientKind::Docker, "hub", &[]),
        (ClientKind::Containerd, "plain", &[]),
    ];
    for (kind, name, expected) in rows {
        let left_out = made(*kind, name, Scheme::Https, Naming::Namespace).left_out;
        let names = left_out.iter().map(|said| said.split(' ').next().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), *expected, "{kind:?} {name}");
        assert!(left_out.iter().all(|said| said.contains(" is left out: ")), "{left_out:?}");
    }
}

/// With TLS a front's own host needs no words but containerd's.
#[test]
fn a_front_that_stands_for_nothing_has_nothing() {
    for kind in [ClientKind::K3s, ClientKind::Docker, ClientKind::Podman, ClientKind::Buildkit] {
        let found = made(kind, "plain", Scheme::Https, Naming::Namespace);
        assert_eq!(found, ClientFiles::default(), "{kind:?}");
    }
}

/// Brackets begin an address, and the policy lets anything be in them.
#[test]
fn no_path_leads_elsewhere_and_no_table_is_there_twice() {
    let paths = made(ClientKind::Containerd, "odd", Scheme::Http, Naming::Namespace).files;
    let paths: Vec<&str> = paths.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["odd.example/hosts.toml"]);
    let tables = unencrypted(ClientKind::Buildkit, "odd");
    assert_eq!(tables.matches("[registry.").count(), 1, "{tables}");
}

#[test]
fn addresses_are_the_fronts_own() {
    let config = config();
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, &str)] = &[
        ("https", "mirror.example.com", "https://mirror.example.com", "declared"),
        ("HTTP", "OTHER.example:8443", "http://other.example:8443", "declared, in its one form"),
        ("https", "evil.example", "https://mirror.example.com", "the client's word"),
        ("https", "ghcr.mirror.example.com", "https://mirror.example.com", "everything there is of ghcr.io"),
        ("gopher", "", "https://mirror.example.com", "nothing"),
    ];
    for (scheme, authority, expected, why) in rows {
        let front = front(&config, "mirror");
        let address = Address::of_request(front, scheme.as_bytes(), authority.as_bytes());
        assert_eq!(address.url(address.host), *expected, "{why}");
    }
}

#[test]
fn a_front_serves_what_is_printed() {
    let config = config();
    let front = front(&config, "mirror");
    let address = Address::canonical(front, Scheme::Http);
    for kind in ClientKind::ALL {
        let files = client_files(kind, front, &address, Naming::Namespace).files;
        assert!(!files.is_empty());
        for file in files {
            let prefix = if kind == ClientKind::Containerd { "/containerd/" } else { "/" };
            let path = format!("{prefix}{}", file.path);
            let found = served_file(front, &address, path.as_bytes());
            assert_eq!(found, Some((kind, file)), "{path}");
        }
    }
    for path in [
        "/",
        "/containerd/",
        "/containerd/docker.io",
        "/containerd/docker.io/hosts.toml/",
        "/containerd/evil.example/hosts.toml",
        "/containerd/../daemon.json",
        "/registries.yaml/",
        "/Registries.yaml",
        "/hosts.toml",
        "//daemon.json",
    ] {
        assert_eq!(served_file(front, &address, path.as_bytes()), None, "{path}");
    }
}
