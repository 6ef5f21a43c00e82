//! What is refused, and what the security of a gateway rests on. That Envoy Gateway and Envoy take
//! the objects is for `make test-envoy-gateway`.

use clap::Parser;
use serde_json::{Value, json};

use super::arguments::EnvoyGatewayArgs;
use super::limits::{LIMITS, Needs};
use super::object::{Names, Typed};
use super::{Module, objects, render};
use crate::arguments::SiteArgs;
use crate::bootstrap;
use crate::options::Target;
use crate::rendering::Rendering;
use crate::targets::istio::arguments::IstioArgs;
use crate::targets::tests::{loaded, policy};

#[derive(Debug, Parser)]
struct Shell {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    istio: IstioArgs,
    #[command(flatten)]
    own: EnvoyGatewayArgs,
}

fn shell(line: &str) -> Shell {
    Shell::try_parse_from(["render"].into_iter().chain(line.split_whitespace())).unwrap()
}

fn said(policy: &Value, line: &str) -> Result<String, String> {
    let shell = shell(line);
    let loaded = loaded(policy)?;
    let typed = Typed { own: &shell.own, shared: &shell.istio };
    let rendered = render(&loaded, &shell.site, &typed);
    rendered.map(|rendered| rendered.text).map_err(|error| error.to_string())
}

fn all(policy: &Value, line: &str) -> Vec<Value> {
    let shell = shell(line);
    let loaded = loaded(policy).unwrap();
    let module = Module::of(shell.site.wasm());
    let site = shell.site.clone().with_wasm(module.in_a_configuration());
    let rendering = Rendering::of(&loaded, &site, Target::EnvoyGateway).unwrap();
    let whole = bootstrap::bootstrap(&rendering.model());
    let typed = Typed { own: &shell.own, shared: &shell.istio };
    let names = Names { typed: &typed, listen: rendering.options.listen };
    objects(&whole, &rendering.json, &names, &module)
}

fn of_kind<'v>(objects: &'v [Value], kind: &str) -> &'v Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap()
}

fn operations<'v>(objects: &'v [Value], message: &str) -> Vec<&'v Value> {
    let patches = of_kind(objects, "EnvoyPatchPolicy")["spec"]["jsonPatches"].as_array().unwrap();
    let of_message =
        patches.iter().filter(|patch| patch["type"].as_str().unwrap().ends_with(message));
    of_message.map(|patch| &patch["operation"]).collect()
}

const FILE: &str = "--wasm /etc/portolan/portolan.wasm";
const IMAGE: &str = "--wasm oci://registry.example/portolan-wasm:v1";

/// What is changed in a policy, the path that is refused, and what has it.
type Beyond = (Vec<(&'static str, Value)>, &'static str, Needs);

fn beyond() -> Vec<Beyond> {
    let one = |pointer, value| vec![(pointer, value)];
    vec![
        (one("/rules/0/chains/eu", json!(["eu", "us"])), "rules[0].chains.eu", Needs::File),
        (one("/rules/0/owner", json!("us")), "rules[0].owner", Needs::File),
        (
            vec![
                ("/credentials", json!({"pull": {"file": "/etc/portolan/pull"}})),
                ("/backends/eu/auth", json!("basic")),
                ("/backends/eu/credential", json!("pull")),
                ("/rules/0/repositories", json!(["acme/**"])),
                ("/rules/0/readers", json!("anyone")),
            ],
            "backends.eu.credential",
            Needs::File,
        ),
        (one("/backends/eu/auth", json!("token")), "backends.eu.auth", Needs::File),
        (
            vec![
                ("/backends/eu/redirect_handling", json!("follow")),
                ("/backends/eu/follow", json!({"hosts": ["cdn.example"]})),
            ],
            "backends.eu.redirect_handling",
            Needs::File,
        ),
        (
            one("/backends/eu/connect_proxy", json!("http://proxy.example:3128")),
            "backends.eu.connect_proxy",
            Needs::Nothing,
        ),
        (
            vec![
                ("/caches", json!({"near": {"nodes": ["http://192.0.2.1:8300"]}})),
                ("/rules/0/repositories", json!(["acme/**"])),
                ("/rules/0/readers", json!("anyone")),
                ("/rules/0/chains/eu", json!(["cache@near", "eu"])),
            ],
            "caches.near",
            Needs::Nothing,
        ),
        (
            one("/clients", json!({"proxy_protocol": ["192.0.2.0/24"]})),
            "clients.proxy_protocol",
            Needs::Nothing,
        ),
        (
            one("/fronts/main/tls", json!({"certificate_file": "/c.pem", "key_file": "/k.pem"})),
            "fronts.main.tls",
            Needs::Nothing,
        ),
        (
            vec![
                ("/fronts/main/metrics", json!({"networks": ["ops"]})),
                ("/networks", json!({"ops": ["192.0.2.0/28"]})),
            ],
            "fronts.main.metrics",
            Needs::Nothing,
        ),
        (one("/fronts/main/health", json!(true)), "fronts.main.health", Needs::Nothing),
        (one("/fronts/main/ping", json!("all_backends")), "fronts.main.ping", Needs::Nothing),
    ]
}

#[test]
fn missing_options_are_refused_with_the_path_of_the_field() {
    for (changes, path, needs) in beyond() {
        let policy = policy(&changes);
        let refusal = said(&policy, IMAGE).expect_err(path);
        assert!(refusal.contains(path), "{path}: {refusal}");
        assert!(refusal.contains("p.yaml:"), "its line is told: {refusal}");
        match needs {
            Needs::File => {
                assert!(refusal.contains("`--wasm PATH`"), "{refusal}");
                said(&policy, FILE).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
            Needs::Nothing => assert!(said(&policy, FILE).expect_err(path).contains(path)),
        }
    }
    said(&policy(&[]), IMAGE).unwrap();
}

#[test]
fn options_of_an_envoy_are_refused() {
    let rows = [
        ("--metrics :9000", "--metrics"),
        ("--without-wasm", "--without-wasm"),
        ("--max-connections 5", "--max-connections"),
        ("--listen 192.0.2.1:80", "--listen"),
    ];
    for (line, option) in rows {
        let refusal = said(&policy(&[]), line).expect_err(line);
        assert!(refusal.contains(option), "{refusal}");
    }
}

#[test]
fn the_page_has_every_limit() {
    let page = include_str!("../../../../../docs/envoy-gateway.md");
    for limit in &LIMITS {
        let row = format!("| `{}` | {} | {} |", limit.field, limit.what, limit.needs.word());
        assert!(page.contains(&row), "docs/envoy-gateway.md lacks this row: {row}");
    }
    let is_row = |line: &&str| {
        line.starts_with("| `")
            && (line.ends_with("| a file |") || line.ends_with("| nothing has it |"))
    };
    let rows = page.lines().filter(is_row).count();
    assert_eq!(rows, LIMITS.len(), "docs/envoy-gateway.md has a row that the code has not");
}

/// Ours alone: what it removes, what it keeps as it is.
#[test]
fn a_client_speaks_for_nobody() {
    for line in [IMAGE, FILE] {
        let objects = all(&policy(&[]), line);
        let listener = operations(&objects, "Listener");
        assert_eq!(listener[0]["path"], "/default_filter_chain/filters/0", "{line}");
        let manager = &listener[0]["value"]["typed_config"];
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
        assert!(manager.get("upgrade_configs").is_none(), "{line}");
        let gone = json!({"op": "remove", "path": "/default_filter_chain/filters/1"});
        assert!(listener.contains(&&gone), "Envoy Gateway's own goes: {line}");
        for host in manager["route_config"]["virtual_hosts"].as_array().unwrap() {
            for route in host["routes"].as_array().unwrap() {
                assert_eq!(route["route"]["cluster_header"], "x-portolan-cluster", "{route}");
            }
        }
    }
}

/// Every filter of the listener that runs the module is handed the one that Envoy Gateway serves.
#[test]
fn the_module_is_copied_to_every_filter() {
    let front = json!({"upstream": {"login": "eu"}});
    let changes = [("/backends/eu/auth", json!("token")), ("/fronts/main/auth", front)];
    let objects = all(&policy(&changes), IMAGE);
    let listener = operations(&objects, "Listener");
    let filters = listener[0]["value"]["typed_config"]["http_filters"].as_array().unwrap();
    let mut modules = 0;
    for (number, filter) in filters.iter().enumerate() {
        if filter["typed_config"]["@type"] != super::patches::WASM {
            continue;
        }
        modules += 1;
        let path = format!(
            "/default_filter_chain/filters/0/typed_config/http_filters/{number}/typed_config/config/vm_config/code"
        );
        let copies = listener.iter().filter(|one| one["op"] == "copy" && one["path"] == path);
        assert_eq!(copies.count(), 1, "{path}");
    }
    assert_eq!(modules, 2, "the one that decides, and the one for forms of the token endpoint");
    let policies = listener.iter().filter(|one| {
        one["op"] == "copy" && one["path"].as_str().unwrap().ends_with("/configuration")
    });
    assert_eq!(policies.count(), 1, "the policy is for the one that decides");
}

#[test]
fn a_file_needs_no_extension_policy() {
    let objects = all(&policy(&[]), FILE);
    assert!(!objects.iter().any(|object| object["kind"] == "EnvoyExtensionPolicy"));
    assert!(!operations(&objects, "Listener").iter().any(|one| one["op"] == "copy"));
    let image = all(&policy(&[]), &format!("{IMAGE} --image-pull-secret pull"));
    let wasm = &of_kind(&image, "EnvoyExtensionPolicy")["spec"]["wasm"][0];
    assert_eq!(wasm["code"]["image"]["url"], "registry.example/portolan-wasm:v1");
    assert_eq!(wasm["code"]["image"]["pullSecretRef"]["name"], "pull");
    assert_eq!(wasm["config"]["rules"][0]["name"], "all");
}

#[test]
fn the_certificate_of_the_gateway() {
    let objects = all(
        &policy(&[]),
        "--listen :8443 --tls-credential registry --namespace edge --gateway-class mine",
    );
    let spec = &of_kind(&objects, "Gateway")["spec"];
    assert_eq!(spec["gatewayClassName"], "mine");
    assert_eq!(spec["listeners"][0]["protocol"], "HTTPS");
    assert_eq!(spec["listeners"][0]["tls"]["certificateRefs"][0]["name"], "registry");
    let patches = &of_kind(&objects, "EnvoyPatchPolicy")["spec"]["jsonPatches"];
    let listener = patches.as_array().unwrap().last().unwrap();
    assert_eq!(listener["name"], "edge/portolan/portolan");
    assert!(
        operations(&objects, "Listener")[0]["path"]
            .as_str()
            .unwrap()
            .starts_with("/filter_chains/0/")
    );
}

/// Nothing of the gateway but what the filter decided leads anywhere.
#[test]
fn undecided_requests_go_nowhere() {
    let objects = all(&policy(&[]), IMAGE);
    let route = &of_kind(&objects, "HTTPRoute")["spec"]["rules"][0];
    assert!(route.get("backendRefs").is_none());
    assert_eq!(of_kind(&objects, "HTTPRouteFilter")["spec"]["directResponse"]["statusCode"], 503);
    assert!(
        operations(&objects, "Cluster").iter().all(|one| one["op"] == "add" && one["path"] == "")
    );
}
