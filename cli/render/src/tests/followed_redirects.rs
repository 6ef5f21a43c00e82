//! The only way to the targets of redirects, and the headers that go there.

use portolan_policy_builder::{Backend, Policy, Region};
use serde_json::json;

use super::*;
use crate::model::{check, secrets};

/// One backend is followed to public hosts, one to a network of its own, one not at all.
fn policy() -> Policy {
    let public = json!({"hosts": ["pkg.example:443", "*.r2.example"]});
    let inside = json!({
        "hosts": ["minio:9000", "pkg.example"],
        "private_addresses": true,
        "ca_file": "/ca.pem",
    });
    Policy::new()
        .backend(
            "ghcr",
            Backend::at("https://ghcr.io")
                .with("redirect_handling", json!({"cn": "follow"}))
                .with("followed_redirects", public),
        )
        .backend(
            "near",
            Backend::at("http://registry:5000")
                .with("redirect_handling", "follow")
                .with("followed_redirects", inside),
        )
        .backend("hub", Backend::at("https://registry-1.docker.io"))
        .region("cn", Region::countries(["CN"]))
        .geo_database()
}

fn config() -> Config {
    policy().read_by(Config::from_json)
}

fn following() -> Value {
    bootstrap(&config(), "{}\n", &options(true, Some("/geo.mmdb")))
}

fn virtual_hosts(rendered: &Value) -> &Vec<Value> {
    at(manager(rendered), "/route_config/virtual_hosts").as_array().unwrap()
}

/// Where the first attempt of a route goes.
fn first_cluster(route: &Value) -> &str {
    let specifier = "/route/inline_cluster_specifier_plugin/extension/typed_config/cluster_matcher";
    let named = route.pointer(&format!("{specifier}/on_no_match/action/typed_config/cluster"));
    named.or_else(|| route.pointer("/route/cluster")).and_then(Value::as_str).unwrap()
}

#[test]
fn there_is_no_way_in_but_by_the_attempt_phases_word() {
    let rendered = following();
    let [front, redirects] = &virtual_hosts(&rendered)[..] else { panic!("two") };
    assert_eq!(redirects["domains"], json!(["*.r2.example", "minio:9000", "pkg.example"]));
    let routes = redirects["routes"].as_array().unwrap();
    let clusters: Vec<&str> = routes
        .iter()
        .map(|route| {
            assert_eq!(route["name"], "redirect");
            let [header] = &route["match"]["headers"].as_array().unwrap()[..] else {
                panic!("one")
            };
            let cluster = first_cluster(route);
            assert_eq!(header["name"], "x-portolan-cluster");
            assert_eq!(at(header, "/string_match/exact"), cluster);
            cluster
        })
        .collect();
    assert_eq!(clusters, ["ghcr@redirects", "near@redirects", "near@redirects-http"]);
    for route in front["routes"].as_array().unwrap() {
        assert_ne!(route["name"], "redirect", "the front's own requests are no redirects");
    }
}

#[test]
fn only_reads_are_followed_and_not_for_ever() {
    let rendered = following();
    let [front, redirects] = &virtual_hosts(&rendered)[..] else { panic!("two") };
    let policy = |route: &Value| route["route"].get("internal_redirect_policy").cloned();
    let routes = front["routes"].as_array().unwrap();
    let [several, one, head, write] = &routes[..] else { panic!("four") };
    assert_eq!(policy(write), None);
    assert_eq!(policy(several), policy(one));
    assert_eq!(policy(head), policy(one));
    let read = policy(one).unwrap();
    assert_eq!(read["max_internal_redirects"], 10);
    assert_eq!(at(&read, "/predicates/0/typed_config/allowed_route_names"), &json!(["redirect"]));
    let copied = read["response_headers_to_copy"].as_array().unwrap();
    for header in ["x-portolan-cluster", "x-forwarded-proto", "authorization", "cookie"] {
        assert!(copied.contains(&header.into()), "{header}");
    }
    for route in redirects["routes"].as_array().unwrap() {
        assert_eq!(policy(route).as_ref(), Some(&read), "a chain goes by the same rules");
    }
}

#[test]
fn each_cluster_has_the_trust_and_the_addresses_of_its_policy() {
    let rendered = following();
    let system = json!({"trusted_ca": {"filename": "/ca-certificates.crt"}});
    #[rustfmt::skip]
    let rows = [
        ("ghcr@redirects", Some("validation_context"), "portolan.public-addresses"),
        ("near@redirects", Some("combined_validation_context"), "portolan.any-addresses"),
        ("near@redirects-http", None, "portolan.any-addresses"),
    ];
    for (name, validation, cache) in rows {
        let cluster = cluster(&rendered, name);
        let options = at(
            cluster,
            "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        );
        let by_the_url = json!({"auto_sni": true, "auto_san_validation": true});
        assert_eq!(options["upstream_http_protocol_options"], by_the_url, "{name}");
        let hop = at(options, "/http_filters/0/typed_config/config/configuration/value");
        assert_eq!(hop, "{\"phase\":\"hop\"}", "{name}");
        let tls = cluster.get("transport_socket");
        assert_eq!(tls.is_some(), validation.is_some(), "{name}");
        if let (Some(tls), Some(validation)) = (tls, validation) {
            let context = at(tls, "/typed_config/common_tls_context").get(validation).unwrap();
            assert!(
                *context == system || context.to_string().contains("ca-near@redirects"),
                "{name}"
            );
        }
        let found = at(cluster, "/cluster_type/typed_config/dns_cache_config");
        assert_eq!(found["name"], cache, "{name}");
        let kept_from = found.pointer("/resolved_address_filter/ranges").and_then(Value::as_array);
        assert_eq!(kept_from.is_some(), cache == "portolan.public-addresses", "{name}");
        let filters = manager(&rendered)["http_filters"].as_array().unwrap();
        let filter = filters.iter().find(|filter| filter["name"] == cache).unwrap();
        assert_eq!(filter["disabled"], true, "nobody's addresses are looked up but theirs");
        assert_eq!(at(filter, "/typed_config/dns_cache_config"), found, "Envoy wants them equal");
    }
    let all = secrets::all(&config());
    let options = options(true, None);
    let files: Vec<String> = all.iter().map(|one| one.file_name(secret_files(&options))).collect();
    assert_eq!(files, ["ca-near@redirects.yaml"]);
}

#[test]
fn a_further_pass_is_not_looked_at_as_a_client_is() {
    let rendered = following();
    let names: Vec<&str> = manager(&rendered)["http_filters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| filter["name"].as_str().unwrap())
        .collect();
    let expected = [
        "envoy.filters.http.cdn_loop",
        "envoy.filters.http.geoip",
        "envoy.filters.http.set_filter_state",
        "envoy.filters.http.wasm",
        "portolan.any-addresses",
        "portolan.public-addresses",
        "envoy.filters.http.router",
    ];
    assert_eq!(names, expected);
    for route in at(&virtual_hosts(&rendered)[1], "/routes").as_array().unwrap() {
        let filters = &route["typed_per_filter_config"];
        for name in ["envoy.filters.http.geoip", "envoy.filters.http.set_filter_state"] {
            assert_eq!(filters[name]["disabled"], true, "{name}");
        }
        let is_public = first_cluster(route) == "ghcr@redirects";
        assert_eq!(filters.get("portolan.public-addresses").is_some(), is_public);
        assert_eq!(filters.get("portolan.any-addresses").is_some(), !is_public);
    }
}

#[test]
fn a_request_is_logged_where_it_ends() {
    let rendered = following();
    let log = at(manager(&rendered), "/access_log/0");
    let expression = at(log, "/filter/extension_filter/typed_config/expression");
    assert_eq!(expression, "response.code_details != 'internal_redirect'");
    let fields = at(log, "/typed_config/log_format/json_format");
    for name in ["authority", "path", "client", "country", "backend"] {
        let text = fields[name].as_str().unwrap();
        assert!(text.contains(&format!("wasm.portolan_{name}:PLAIN")), "{text}");
    }
    assert_eq!(fields["upstream_authority"], "%REQ(:AUTHORITY)%");
    assert!(!fields.to_string().contains("portolan_followed"), "a signed URL is a secret");
}

#[test]
fn without_followed_redirects_nothing_of_them_is_rendered() {
    let passing = policy()
        .backend("ghcr", Backend::at("https://ghcr.io"))
        .backend("near", Backend::at("http://registry:5000"));
    let config = passing.read_by(Config::from_json);
    let text = bootstrap(&config, "{}\n", &options(true, None)).to_string();
    let bare = bootstrap(&self::config(), "{}\n", &options(false, None)).to_string();
    for text in [text, bare] {
        for word in
            ["internal_redirect", "redirects", "-addresses", "upstream_authority", "portolan-hop"]
        {
            assert!(!text.contains(word), "{word}");
        }
    }
}

#[test]
fn an_envoy_that_cannot_keep_to_public_addresses_is_refused() {
    let old = EnvoyVersion::parse("1.39.3").unwrap();
    let found = check::private_addresses(&config(), old).map_err(|error| error.to_string());
    let message = found.expect_err("ghcr is followed to public addresses only");
    assert!(
        message.contains("Envoy 1.39.3 cannot keep the redirects of the backend `ghcr`"),
        "{message}"
    );
    let own = policy().set("/backends/ghcr/followed_redirects/private_addresses", true);
    let own = own.read_by(Config::from_json);
    assert!(check::private_addresses(&own, old).is_ok());
    assert!(check::private_addresses(&config(), options(true, None).envoy).is_ok());
}
