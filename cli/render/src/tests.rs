//! What the security of a rendered configuration rests on, each with the attack it stops.
//!
//! That Envoy takes a configuration, and does with it what these say, is for the tests with a
//! real Envoy.

mod blob_stores;
mod credentials;
mod downstream_tls;
mod edge;
mod followed_redirects;
mod later_attempts;

use portolan_core::config::Config;
use portolan_core::contract::headers;
use portolan_policy_builder::{Backend, Policy, Rule};
use serde_json::{Value, json};

use super::envoy_version::EnvoyVersion;
use super::limits::Limits;
use super::model::Model;
use super::model::trust::secret_files;
use super::notes;
use super::options::{AccessLog, FilterFile, FilterKind, Options, Target};

const CONNECTION_MANAGER: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

pub(super) fn options(wasm: bool, database: Option<&str>) -> Options {
    Options {
        target: Target::Bootstrap,
        envoy: EnvoyVersion::parse(EnvoyVersion::DEFAULT).unwrap(),
        listen: "[::]:8080".parse().unwrap(),
        http_redirect: None,
        http3: None,
        admin: "127.0.0.1:9901".parse().unwrap(),
        metrics: None,
        tracing: None,
        tracing_sample: 100,
        rate_limit_service: None,
        filter: wasm
            .then(|| FilterFile { kind: FilterKind::Wasm, path: "/portolan.wasm".to_owned() }),
        geoip_database: database.map(str::to_owned),
        system_certificates: "/ca-certificates.crt".to_owned(),
        sds_directory: "/sds".to_owned(),
        directory: "/etc/portolan/envoy".to_owned(),
        limits: Limits::USUAL,
        access_log: AccessLog::StandardOutput,
        reuse_port: true,
        policy: "0123456789abcdef".to_owned(),
    }
}

fn bootstrap(config: &Config, json: &str, options: &Options) -> Value {
    super::bootstrap::bootstrap(&Model::of(config, json, options, None))
}

fn notes(config: &Config, options: &Options, written: bool) -> Vec<String> {
    notes::of(&Model::of(config, "{}\n", options, None), written)
}

pub(super) fn config(clients: &Value) -> Config {
    let own = Backend::at("https://[2001:db8::1]:5000/mirror");
    let named = Backend::at("https://10.0.0.1").with("tls", json!({"server_name": "hub.internal"}));
    Policy::new()
        .backend("local", Backend::at("http://127.0.0.1:5000"))
        .backend("public", Backend::at("https://ghcr.io").with("cluster", "ghcr-cluster"))
        .backend("own", own)
        .backend("named", named)
        .with("clients", clients.clone())
        .rule(Rule::all().chain(["local"]))
        .read_by(Config::from_json)
}

/// The backends `a`, `b`, … in one list.
fn with_a_list(names: &[&str]) -> Value {
    let with = |policy: Policy, name: &&str| {
        let backend = Backend::at(&format!("http://{name}.example"));
        policy.backend(name, backend.with("hedge_after", "usual"))
    };
    let config = names.iter().fold(Policy::new(), with).read_by(Config::from_json);
    bootstrap(&config, "{}\n", &options(true, None))
}

fn rendered(clients: &Value, options: &Options) -> Value {
    bootstrap(&config(clients), "{}\n", options)
}

fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer} in {value:#}"))
}

fn manager(value: &Value) -> &Value {
    at(value, CONNECTION_MANAGER)
}

fn cluster<'v>(value: &'v Value, name: &str) -> &'v Value {
    let clusters = at(value, "/static_resources/clusters").as_array().unwrap();
    clusters.iter().find(|cluster| cluster["name"] == name).unwrap()
}

fn proxy_headers() -> Value {
    json!({"trusted_proxies": ["192.0.2.0/24", "2001:db8::/32"], "geo": {"headers": {"country": "x-geo-country"}}})
}

#[test]
fn a_client_cannot_speak_for_envoy_or_the_filter() {
    let all = &["x-geo-", "x-portolan-", "x-envoy-"][..];
    let but_geo = &["x-portolan-", "x-envoy-"][..];
    let rows = [
        (json!({}), all, "nobody sets geo headers"),
        (
            json!({"geo": {"database": "/geo.mmdb"}}),
            all,
            "Envoy sets them, if it finds the address",
        ),
        (proxy_headers(), but_geo, "a proxy sets them; the filter looks at who it is"),
    ];
    for (clients, expected, reason) in rows {
        let rendered = rendered(&clients, &options(true, None));
        let mutations =
            at(manager(&rendered), "/early_header_mutation_extensions/0/typed_config/mutations");
        let mutations = mutations.as_array().unwrap();
        let removed: Vec<&str> = mutations
            .iter()
            .filter_map(|mutation| {
                mutation.pointer("/remove_on_match/key_matcher/prefix")?.as_str()
            })
            .collect();
        assert_eq!(removed, expected, "{reason}");
        let names_no_credential =
            removed.iter().any(|start| headers::CREDENTIAL.starts_with(start));
        assert!(names_no_credential, "{reason}");
        let added = mutations.iter().find_map(|mutation| mutation.pointer("/append/header/key"));
        let peer = (clients == proxy_headers()).then(|| json!("x-portolan-peer"));
        assert_eq!(added, peer.as_ref(), "{reason}");
        let last = mutations.last().unwrap();
        assert_eq!(
            last.get("append").is_some(),
            peer.is_some(),
            "what is added is not removed again"
        );
    }
}

#[test]
fn the_clients_address_is_the_one_that_the_policy_trusts() {
    let hops = rendered(&json!({"trusted_hops": 2}), &options(true, None));
    assert_eq!(manager(&hops)["use_remote_address"], true);
    assert_eq!(manager(&hops)["xff_num_trusted_hops"], 2);

    let proxies = rendered(&proxy_headers(), &options(true, None));
    let manager = manager(&proxies);
    assert_eq!(manager["use_remote_address"], false);
    assert_eq!(manager.get("xff_num_trusted_hops"), None, "Envoy refuses both");
    let detection = at(manager, "/original_ip_detection_extensions/0/typed_config");
    let expected = json!([
        {"address_prefix": "192.0.2.0", "prefix_len": 24},
        {"address_prefix": "2001:db8::", "prefix_len": 32},
        {"address_prefix": "::ffff:192.0.2.0", "prefix_len": 120},
    ]);
    assert_eq!(at(detection, "/xff_trusted_cidrs/cidrs"), &expected);
}

#[test]
fn the_path_reaches_the_filter_as_it_was_sent() {
    let rendered = rendered(&json!({}), &options(true, None));
    let manager = manager(&rendered);
    assert_eq!(manager["normalize_path"], false);
    assert_eq!(manager["merge_slashes"], false);
    assert_eq!(manager["path_with_escaped_slashes_action"], "KEEP_UNCHANGED");
    assert_eq!(manager.get("strip_any_host_port"), None, "a front may be declared with its port");
}

#[test]
fn filters_stand_in_the_order_in_which_they_need_each_other() {
    let (geoip, state) = ("envoy.filters.http.geoip", "envoy.filters.http.set_filter_state");
    let looped = "envoy.filters.http.cdn_loop";
    let (wasm, router) = ("envoy.filters.http.wasm", "envoy.filters.http.router");
    let rows = [
        (true, Some("/geo.mmdb"), vec![looped, geoip, state, wasm, router]),
        (true, None, vec![looped, state, wasm, router]),
        (false, Some("/geo.mmdb"), vec![looped, geoip, state, router]),
    ];
    for (with_filter, database, expected) in rows {
        let rendered = rendered(&json!({}), &options(with_filter, database));
        let filters = manager(&rendered)["http_filters"].as_array().unwrap();
        let names: Vec<&str> =
            filters.iter().map(|filter| filter["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected);
    }
}

#[test]
fn the_filter_gets_the_policy_as_it_is() {
    let rendered = bootstrap(&config(&json!({})), "{\n  \"version\": 1\n}\n", &options(true, None));
    let filter = at(manager(&rendered), "/http_filters/2/typed_config/config");
    assert_eq!(filter["configuration"]["value"], "{\n  \"version\": 1\n}\n");
    assert_eq!(
        filter["failure_policy"], "FAIL_RELOAD",
        "a filter that stopped must not be passed by"
    );
}

#[test]
fn only_the_filter_chooses_the_cluster() {
    let rendered = rendered(&json!({}), &options(true, None));
    let config = at(manager(&rendered), "/route_config");
    let internal = json!(["x-portolan-cluster", "x-portolan-credential"]);
    assert_eq!(config["internal_only_headers"], internal);
    for route in at(config, "/virtual_hosts/0/routes").as_array().unwrap() {
        assert_eq!(route["route"]["cluster_header"], "x-portolan-cluster");
        assert_eq!(route["route"].get("cluster"), None);
        assert_eq!(route["route"]["auto_host_rewrite"], true, "the client's authority stays here");
        assert_eq!(route["route"]["timeout"], "0s", "a blob takes as long as it takes");
    }
}

#[test]
fn only_reads_are_tried_again() {
    let alone = rendered(&json!({}), &options(true, None));
    let routes = |rendered: &Value| {
        at(manager(rendered), "/route_config/virtual_hosts/0/routes").as_array().unwrap().clone()
    };
    let [get, head, _write] = &routes(&alone)[..] else {
        panic!("three routes: no list has several")
    };
    assert_eq!(at(get, "/route/cluster_header"), "x-portolan-cluster");
    for (read, method) in [(get, "GET"), (head, "HEAD")] {
        let matched = json!({"name": ":method", "string_match": {"exact": method}});
        assert_eq!(at(read, "/match/headers"), &json!([matched]));
        // No attempt phase marks the answers of open backends.
        assert_eq!(read["route"]["retry_policy"].get("retriable_headers"), None);
    }
    let rendered = with_a_list(&["a", "b"]);
    let [several, one, _head, write] = &routes(&rendered)[..] else { panic!("four routes") };
    let mark = json!([{"name": "x-portolan-go-on", "present_match": true}]);
    assert_eq!(at(several, "/route/retry_policy/retriable_headers"), &mark);
    // A time-out is a reset to Envoy: whoever has nobody else to ask would ask the slow one twice.
    let events = |route| {
        let retry_on = at(route, "/route/retry_policy/retry_on").as_str().unwrap();
        retry_on.split(',').map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let by_the_filter = json!([{"name": "x-envoy-max-retries", "present_match": true}]);
    assert_eq!(at(several, "/match/headers"), &by_the_filter);
    assert!(events(several).contains(&"reset".to_owned()));
    assert!(!events(one).contains(&"reset".to_owned()));
    assert!(events(one).contains(&"reset-before-request".to_owned()));
    assert_eq!(write["match"], json!({"prefix": "/"}));
    assert_eq!(write["route"].get("retry_policy"), None);
}

#[test]
fn without_the_filter_everything_goes_to_the_first_backend() {
    let rendered = rendered(&json!({}), &options(false, None));
    for route in at(manager(&rendered), "/route_config/virtual_hosts/0/routes").as_array().unwrap()
    {
        assert_eq!(route["route"]["cluster"], "local");
        assert_eq!(route["route"].get("cluster_header"), None);
    }
}

#[test]
fn a_backend_learns_nothing_of_the_client() {
    let geo = json!({"trusted_proxies": ["192.0.2.0/24"], "geo": {"headers": {"country": "cf-ipcountry"}}});
    let rendered = rendered(&geo, &options(true, None));
    let removed = &manager(&rendered)["route_config"]["request_headers_to_remove"];
    let removed = removed.as_array().unwrap();
    let ours = [headers::CLUSTER, headers::CREDENTIAL];
    let clients = ["x-forwarded-for", "x-forwarded-proto", "cf-ipcountry"];
    for header in ours.into_iter().chain(clients) {
        assert!(removed.contains(&header.into()), "{header}");
    }
    assert!(!removed.contains(&"authorization".into()), "the client's token is for the backend");
}

#[test]
fn a_client_binds_nothing_to_the_front_that_one_backend_said() {
    let rendered = rendered(&json!({}), &options(true, None));
    let removed = &manager(&rendered)["route_config"]["response_headers_to_remove"];
    for header in ["set-cookie", "strict-transport-security", "alt-svc", "nel"] {
        assert!(removed.as_array().unwrap().contains(&header.into()), "{header}");
    }
}

#[test]
fn a_browser_shows_content_as_a_page_of_nobody() {
    let rendered = rendered(&json!({}), &options(true, None));
    let added = &manager(&rendered)["route_config"]["response_headers_to_add"][0];
    assert_eq!(added["header"], json!({"key": "content-security-policy", "value": "sandbox"}));
    assert_eq!(
        added["append_action"], "OVERWRITE_IF_EXISTS_OR_ADD",
        "a registry does not loosen it"
    );
}

#[test]
fn the_access_log_has_no_credential_and_no_query() {
    let rendered = rendered(&json!({}), &options(true, None));
    let log = manager(&rendered)["access_log"].to_string().to_ascii_uppercase();
    for secret in ["REQ(AUTHORIZATION", "REQ(COOKIE", "REQ(:PATH", "PATH(WQ", "%PATH%", "REFERER"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn an_upstreams_certificate_is_verified_by_authority_and_name() {
    let rendered = rendered(&json!({}), &options(true, None));
    let rows = [
        ("ghcr-cluster", Some("ghcr.io"), "/ca-certificates.crt", "DNS", "ghcr.io"),
        ("own", None, "/ca-certificates.crt", "IP_ADDRESS", "2001:db8::1"),
        ("named", Some("hub.internal"), "/ca-certificates.crt", "DNS", "hub.internal"),
    ];
    for (name, sni, authority, kind, subject) in rows {
        let tls = at(cluster(&rendered, name), "/transport_socket/typed_config");
        assert_eq!(tls.get("sni").and_then(Value::as_str), sni, "{name}");
        let expected = json!({
            "trusted_ca": {"filename": authority},
            "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": subject}}],
        });
        assert_eq!(at(tls, "/common_tls_context/validation_context"), &expected, "{name}");
    }
    assert_eq!(cluster(&rendered, "local").get("transport_socket"), None);
}

#[test]
fn a_cluster_reaches_its_backend_and_says_which_it_is() {
    let rendered = rendered(&json!({}), &options(true, None));
    let rows = [
        ("local", "local", "127.0.0.1:5000", "127.0.0.1", 5000, true),
        ("ghcr-cluster", "public", "ghcr.io", "ghcr.io", 443, false),
        ("own", "own", "[2001:db8::1]:5000", "2001:db8::1", 5000, true),
    ];
    for (name, backend, authority, address, port, is_static) in rows {
        let cluster = cluster(&rendered, name);
        assert_eq!(cluster.get("type") == Some(&json!("STATIC")), is_static, "{name}");
        assert_eq!(cluster.get("cluster_type").is_some(), !is_static, "{name}");
        let endpoint = at(cluster, "/load_assignment/endpoints/0/lb_endpoints/0");
        assert_eq!(at(endpoint, "/metadata/filter_metadata/portolan/backend"), backend);
        assert_eq!(at(endpoint, "/endpoint/hostname"), authority, "{name}");
        let socket = json!({"address": address, "port_value": port});
        assert_eq!(at(endpoint, "/endpoint/address/socket_address"), &socket, "{name}");
    }
}

#[test]
fn a_listener_on_all_of_ipv6_takes_ipv4() {
    let rendered = rendered(&json!({}), &options(true, None));
    let socket = at(&rendered, "/static_resources/listeners/0/address/socket_address");
    assert_eq!(socket, &json!({"address": "::", "port_value": 8080, "ipv4_compat": true}));
}

/// The response phase judges Envoy's own answer to a request that was sent on, and knows it by this
/// header.
#[test]
fn local_replies_instead_of_a_backend_have_retry_after() {
    let rendered = rendered(&json!({}), &options(true, None));
    let mappers = at(manager(&rendered), "/local_reply_config/mappers").as_array().unwrap();
    let retries = |mapper: &&Value| {
        let headers = mapper["headers_to_add"].as_array().into_iter().flatten();
        headers.into_iter().any(|added| added["header"]["key"] == "retry-after")
    };
    let found: Vec<String> =
        mappers.iter().filter(retries).map(|it| it["filter"].to_string()).collect();
    let [overload, standstill, failed] = &found[..] else { panic!("three: {found:#?}") };
    assert!(overload.contains("'overload'"), "{overload}");
    assert!(standstill.contains("'stream_idle_timeout'"), "{standstill}");
    assert!(failed.contains(r#""op":"GE","value":{"default_value":500"#), "{failed}");
}

#[test]
fn the_router_counts_no_statuses_if_attempts_are_counted() {
    let router = |metrics: bool| {
        let mut options = options(true, None);
        options.metrics = metrics.then(|| "127.0.0.1:9902".parse().unwrap());
        let rendered = bootstrap(&config(&json!({})), "{}\n", &options);
        let filters = at(&rendered, &format!("{CONNECTION_MANAGER}/http_filters"));
        filters.as_array().unwrap().last().unwrap()["typed_config"].clone()
    };
    assert_eq!(router(true)["dynamic_stats"], false);
    assert!(
        router(false).get("dynamic_stats").is_none(),
        "who reads the admin interface sees them"
    );
}
