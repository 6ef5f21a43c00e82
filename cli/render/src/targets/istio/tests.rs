//! What is refused, and what the security of a gateway rests on. That Istio and Envoy take the
//! objects is for `make test-istio`.

use std::collections::BTreeSet;

use clap::Parser;
use serde_json::{Map, Value, json};

use super::limits::LIMITS;
use super::names::Names;
use super::{IstioArgs, Level, Module, objects, render};
use crate::Rendering;
use crate::arguments::SiteArgs;
use crate::options::Target;
use crate::targets::tests::{loaded, policy};

#[derive(Debug, Parser)]
struct Shell {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    istio: IstioArgs,
}

fn shell(line: &str) -> Shell {
    Shell::try_parse_from(["render"].into_iter().chain(line.split_whitespace())).unwrap()
}

fn said(policy: &Value, line: &str) -> Result<String, String> {
    let shell = shell(line);
    let loaded = loaded(policy)?;
    let rendered = render(&loaded, &shell.site, &shell.istio);
    rendered.map(|rendered| rendered.text).map_err(|error| error.to_string())
}

fn all(policy: &Value, line: &str) -> Vec<Value> {
    let shell = shell(line);
    let loaded = loaded(policy).unwrap();
    let module = Module::of(shell.site.wasm());
    let site = shell.site.clone().with_wasm(module.in_a_configuration());
    let rendering = Rendering::of(&loaded, &site, Target::Istio).unwrap();
    let names = Names::new(&shell.istio, rendering.options.listen);
    objects(&rendering, &names, &module, shell.istio.level())
}

fn of_kind<'v>(objects: &'v [Value], kind: &str) -> Vec<&'v Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

fn patches<'v>(objects: &'v [Value], apply_to: &str) -> Vec<&'v Value> {
    let filters = of_kind(objects, "EnvoyFilter");
    let patches = filters[0]["spec"]["configPatches"].as_array().unwrap();
    patches.iter().filter(|patch| patch["applyTo"] == apply_to).collect()
}

fn manager(objects: &[Value]) -> &Value {
    &patches(objects, "NETWORK_FILTER")[0]["patch"]["value"]["typed_config"]
}

const FULL: &str = "--level full --wasm oci://registry.example/portolan-wasm:v1";
const PLUGIN: &str = "--wasm oci://registry.example/portolan-wasm:v1";

/// What is changed in a policy, the path that is refused, and the level that has it.
type Beyond = (Vec<(&'static str, Value)>, &'static str, Option<Level>);

/// A change of the policy by which each limit is reached, the path that is told, and the level that
/// has it.
fn beyond() -> Vec<Beyond> {
    let full = Some(Level::Full);
    let one = |pointer, value| vec![(pointer, value)];
    vec![
        (one("/rules/0/chains/eu", json!(["eu", "us"])), "rules[0].chains.eu", full),
        (one("/rules/0/owner", json!("us")), "rules[0].owner", full),
        (
            vec![
                ("/credentials/pull", json!({"file": "/etc/portolan/pull"})),
                ("/backends/eu/auth", json!("basic")),
                ("/backends/eu/credential", json!("pull")),
                ("/rules/0/repositories", json!(["acme/**"])),
                ("/rules/0/readers", json!("anyone")),
            ],
            "backends.eu.credential",
            full,
        ),
        (one("/backends/eu/auth", json!("token")), "backends.eu.auth", full),
        (
            vec![
                ("/backends/eu/redirect_handling", json!("follow")),
                ("/backends/eu/follow", json!({"hosts": ["cdn.example"]})),
            ],
            "backends.eu.redirect_handling",
            full,
        ),
        (
            one("/backends/eu/health_check", json!({"interval": "5s"})),
            "backends.eu.health_check",
            full,
        ),
        (one("/backends/eu/ejection", json!({"failures": 9})), "backends.eu.ejection", full),
        (
            one("/blob_stores/near", json!({"url": "https://store.example/b/{digest}"})),
            "blob_stores.near",
            full,
        ),
        (
            vec![
                ("/backends/eu/auth", json!("token")),
                ("/backends/us/auth", json!("token")),
                ("/fronts/main/auth", json!({"upstream": {"login": "eu"}})),
            ],
            "fronts.main.auth",
            full,
        ),
        (
            one("/fronts/main/cors", json!({"origins": ["https://ui.example"]})),
            "fronts.main.cors",
            full,
        ),
        (one("/clients", json!({"geo": {"database": "/geo.mmdb"}})), "clients.geo.database", full),
        (
            vec![
                ("/caches", json!({"near": {"nodes": ["http://192.0.2.1:8300"]}})),
                ("/rules/0/repositories", json!(["acme/**"])),
                ("/rules/0/readers", json!("anyone")),
                ("/rules/0/chains/eu", json!(["cache@near", "eu"])),
            ],
            "caches.near",
            None,
        ),
        (
            one("/clients", json!({"proxy_protocol": ["192.0.2.0/24"]})),
            "clients.proxy_protocol",
            None,
        ),
        (
            one("/fronts/main/tls", json!({"certificate_file": "/c.pem", "key_file": "/k.pem"})),
            "fronts.main.tls",
            None,
        ),
        (one("/fronts/main/health", json!(true)), "fronts.main.health", None),
        (one("/fronts/main/ping", json!("all_backends")), "fronts.main.ping", None),
    ]
}

#[test]
fn fields_that_a_level_of_istio_cannot_have_are_refused() {
    for (changes, path, needs) in beyond() {
        let policy = policy(&changes);
        let refusal = said(&policy, PLUGIN).expect_err(path);
        assert!(refusal.contains(path), "{path}: {refusal}");
        assert!(refusal.contains("p.yaml:"), "its line is told: {refusal}");
        match needs {
            Some(_) => {
                assert!(refusal.contains("`--level full`"), "{refusal}");
                said(&policy, FULL).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
            None => assert!(said(&policy, FULL).expect_err(path).contains(path)),
        }
    }
}

#[test]
fn every_reason_is_told_at_once() {
    let changes =
        [("/fronts/main/health", json!(true)), ("/rules/0/chains/eu", json!(["eu", "us"]))];
    let refusal = said(&policy(&changes), PLUGIN).unwrap_err();
    assert!(
        refusal.contains("fronts.main.health") && refusal.contains("rules[0].chains.eu"),
        "{refusal}"
    );
}

#[test]
fn options_of_an_envoy_are_refused() {
    let rows = [
        ("--metrics :9000", "--metrics"),
        ("--without-wasm", "--without-wasm"),
        ("--max-connections 5", "--max-connections"),
        ("--exclusive-port", "--exclusive-port"),
    ];
    for (line, option) in rows {
        let refusal = said(&policy(&[]), line).expect_err(line);
        assert!(refusal.contains(option), "{refusal}");
    }
}

#[test]
fn the_page_has_every_limit() {
    let page = include_str!("../../../../../docs/istio.md");
    for limit in &LIMITS {
        let level = limit.needs.map_or("neither", Level::word);
        let row = format!("| `{}` | {} | {level} |", limit.field, limit.what);
        assert!(page.contains(&row), "docs/istio.md lacks this row: {row}");
    }
    let rows = page.lines().filter(|line| {
        line.starts_with("| `") && (line.ends_with("| full |") || line.ends_with("| neither |"))
    });
    assert_eq!(rows.count(), LIMITS.len(), "docs/istio.md has a row that the code has not");
}

#[test]
fn internal_headers_of_clients_are_removed_at_either_level() {
    for line in [PLUGIN, FULL] {
        let objects = all(&policy(&[]), line);
        let manager = manager(&objects);
        let mutations =
            &manager["early_header_mutation_extensions"][0]["typed_config"]["mutations"];
        let removed: Vec<&str> = mutations
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|each| each.pointer("/remove_on_match/key_matcher/prefix")?.as_str())
            .collect();
        assert_eq!(removed, ["x-geo-", "x-portolan-", "x-envoy-"], "{line}");
        assert_eq!(manager["normalize_path"], false, "{line}");
        assert_eq!(manager["path_with_escaped_slashes_action"], "KEEP_UNCHANGED", "{line}");
        assert!(manager.get("upgrade_configs").is_none(), "{line}");
        assert_eq!(
            patches(&objects, "NETWORK_FILTER")[0]["patch"]["operation"],
            "REPLACE",
            "{line}"
        );
    }
}

/// Whatever Istio's names for it are, a request that the filter did not decide about goes nowhere.
#[test]
fn undecided_requests_go_nowhere() {
    let plugin = all(&policy(&[]), PLUGIN);
    let service = of_kind(&plugin, "VirtualService")[0];
    let routes = service["spec"]["http"].as_array().unwrap();
    let (last, decided) = routes.split_last().unwrap();
    assert_eq!(last["directResponse"]["status"], 503);
    for route in decided {
        for matched in route["match"].as_array().unwrap() {
            assert!(matched["headers"]["x-portolan-cluster"]["exact"].is_string(), "{matched}");
        }
    }
    let full = all(&policy(&[]), FULL);
    assert!(of_kind(&full, "VirtualService").is_empty());
    let hosts = patches(&full, "VIRTUAL_HOST");
    assert_eq!(hosts[0]["patch"]["operation"], "REMOVE", "what Istio makes of the port");
    for host in &hosts[1..] {
        for route in host["patch"]["value"]["routes"].as_array().unwrap() {
            assert_eq!(route["route"]["cluster_header"], "x-portolan-cluster", "{route}");
        }
    }
}

#[test]
fn certificates_of_backends_are_verified() {
    let objects = all(&policy(&[]), PLUGIN);
    let rules = of_kind(&objects, "DestinationRule");
    let tls: Vec<&Value> = rules.iter().map(|rule| &rule["spec"]["trafficPolicy"]["tls"]).collect();
    let expected = json!({
        "mode": "SIMPLE",
        "sni": "registry.eu.example",
        "subjectAltNames": ["registry.eu.example"],
        "caCertificates": "/etc/ssl/certs/ca-certificates.crt",
    });
    assert_eq!(tls, [&expected, &json!({"mode": "DISABLE"})]);
}

/// Every filter of ours of attempts is either a file or discovered, and what is discovered is
/// delivered.
#[test]
fn discovered_names_are_in_the_objects() {
    let changes = [("/rules/0/chains/eu", json!(["eu", "us"]))];
    let objects = all(&policy(&changes), FULL);
    let contents: BTreeSet<&str> = patches(&objects, "EXTENSION_CONFIG")
        .iter()
        .map(|patch| patch["patch"]["value"]["name"].as_str().unwrap())
        .collect();
    let clusters = patches(&objects, "CLUSTER");
    let of_clusters = clusters.iter().filter_map(|patch| {
        patch["patch"]["value"].pointer("/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters")
    });
    let of_listener = manager(&objects)["http_filters"].as_array().unwrap();
    let of_router = of_listener
        .iter()
        .filter_map(|filter| filter.pointer("/typed_config/upstream_http_filters"));
    let discovered: BTreeSet<&str> = of_clusters
        .chain(of_router)
        .flat_map(|filters| filters.as_array().unwrap())
        .filter(|filter| filter.get("config_discovery").is_some())
        .map(|filter| filter["name"].as_str().unwrap())
        .collect();
    assert!(!discovered.is_empty());
    assert!(discovered.is_subset(&contents), "{discovered:?} {contents:?}");
    for filter in manager(&objects)["http_filters"].as_array().unwrap() {
        let name = filter["name"].as_str().unwrap();
        let is_delivered =
            contents.contains(name) || name.ends_with("~istio-translated-wasmplugin");
        assert!(filter.get("config_discovery").is_none() || is_delivered, "{name}");
    }
    let text = Value::Array(objects.clone()).to_string();
    assert!(!text.contains("\"filename\":\"oci:"), "a URL is no path");
    assert!(!text.contains("vm_id"), "all filters of a worker share one machine");
}

/// Another decision is another `pluginConfig`, and the same listener.
#[test]
fn another_policy_keeps_the_listener() {
    let other = [("/rules/0/chains/eu", json!(["us"]))];
    for line in [PLUGIN, FULL] {
        let (before, after) = (all(&policy(&[]), line), all(&policy(&other), line));
        for kind in ["NETWORK_FILTER", "LISTENER", "LISTENER_FILTER", "FILTER_CHAIN"] {
            assert_eq!(patches(&before, kind), patches(&after, kind), "{line}: {kind}");
        }
        assert_ne!(of_kind(&before, "WasmPlugin"), of_kind(&after, "WasmPlugin"), "{line}");
    }
}

#[test]
fn the_certificate_of_the_gateway() {
    let objects =
        all(&policy(&[]), "--listen 0.0.0.0:8443 --tls-credential registry --namespace edge");
    let server = &of_kind(&objects, "Gateway")[0]["spec"]["servers"][0];
    assert_eq!(server["tls"]["credentialName"], "registry");
    assert_eq!(server["tls"]["minProtocolVersion"], "TLSV1_2");
    assert_eq!(server["port"]["protocol"], "HTTPS");
    assert_eq!(
        manager(&objects)["rds"]["route_config_name"],
        "https.8443.https-portolan.portolan.edge"
    );
}

/// Routes that Istio knows by another name never come, and with them nobody is served.
#[test]
fn the_name_of_the_routes() {
    #[rustfmt::skip]
    let rows = [
        ("--listen 0.0.0.0:8080", "http.8080"),
        ("--listen [::]:8080", "http.8080"),
        ("--listen 127.0.0.1:8080", "http.8080.127.0.0.1"),
        ("--listen 127.0.0.1:8443 --tls-credential r", "https.8443.https-portolan.portolan.istio-ingress.127.0.0.1"),
    ];
    for (line, name) in rows {
        let objects = all(&policy(&[]), line);
        assert_eq!(manager(&objects)["rds"]["route_config_name"], name, "{line}");
    }
}

#[test]
fn backends_have_hosts_of_their_own() {
    let changes = [("/backends/US_East.1", json!({"url": "http://192.0.2.7:5000"}))];
    let objects = all(&policy(&changes), PLUGIN);
    let mut hosts = Map::new();
    for entry in of_kind(&objects, "ServiceEntry") {
        let host = entry["spec"]["hosts"][0].as_str().unwrap();
        let label = host.strip_suffix(".portolan.internal").unwrap();
        assert!(
            label.len() <= 63
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        );
        assert_eq!(entry["spec"]["exportTo"], json!(["."]));
        hosts.insert(host.to_owned(), Value::Null);
    }
    assert_eq!(hosts.len(), 3);
}
