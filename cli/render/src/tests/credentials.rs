//! The clusters through which each credential can leave, and the verification of the server that
//! gets it.

use std::collections::BTreeSet;

use super::*;
use crate::model::secrets;

/// Two registries with token services, one that wants the proxy's password and certificate, one
/// that is open; `{FRONT}` is the front's `auth`, `{PASS}` what becomes of redirects.
const POLICY: &str = r#"{
    "version": 1,
    "fronts": {"main": {"hosts": ["registry.example.com"], "auth": {FRONT}}},
    "backends": {
        "hub": {"url": "https://registry-1.docker.io", "auth": {"token":
            {"realm": "https://auth.docker.io/token", "service": "registry.docker.io"}}},
        "ghcr": {"url": "https://ghcr.io", "auth": "token", "credential": "robot", "tls":
            {"ca_file": "/tls/ghcr-ca.pem", "server_name": "ghcr.internal"}},
        "ecr": {"url": "https://ecr.example", "auth": "basic", "credential": "aws", "tls":
            {"ca_file": "/tls/ca.pem", "certificate_file": "/tls/c.pem", "key_file": "/tls/c.key"}},
        "open": {"url": "http://10.0.0.1:5000", {PASS}}
    },
    "credentials": {"aws": {"file": "/c/aws"}, "robot": {"file": "/c/robot"},
        "spare": {"file": "/c/spare"}},
    "regions": {"default": {}},
    "rules": [
        {"name": "all", "repositories": ["acme/**"], "readers": "anyone",
            "chains": {"default": ["hub", "ghcr", "ecr"]}},
        {"name": "two", "repositories": ["two"], "chains": {"default": ["hub", "open"]}},
        {"name": "own", "repositories": ["own"], "chains": {"default": ["open"]}, "owner": "open"}
    ]
}"#;

const MANAGED: &str = r#""managed""#;
const BASIC: &str = r#"{"basic": {"verifier": "http://127.0.0.1:9080/check"}}"#;
const PASS: &str = r#""redirect_handling": "pass""#;
const FOLLOW: &str =
    r#""redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.example"]}"#;

fn policy(front: &str, redirects: &str) -> Config {
    let text = POLICY.replace("{FRONT}", front).replace("{PASS}", redirects);
    Config::from_json(text.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn render(front: &str, redirects: &str) -> Value {
    bootstrap(&policy(front, redirects), "{}\n", &options(true, None))
}

fn protocol_options(cluster: &Value) -> &Value {
    at(
        cluster,
        "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    )
}

/// The filters of a cluster, one letter each: the `a`ttempt phase, a `c`redential, the `r`emoval of
/// its name and of Envoy's headers from requests or of `o`ur headers from answers, which the
/// attempt phase does itself, Envoy's own code`x`.
fn filters(cluster: &Value) -> String {
    let none = Vec::new();
    let found = protocol_options(cluster).get("http_filters").and_then(Value::as_array);
    let letter = |filter: &Value| match filter["name"].as_str().unwrap() {
        "envoy.filters.http.wasm" => 'a',
        "portolan-credential" => 'c',
        "envoy.filters.http.header_mutation" => {
            let mutations = at(filter, "/typed_config/mutations");
            match (mutations.get("request_mutations"), mutations.get("response_mutations")) {
                (Some(_), None) => 'r',
                (None, Some(_)) => 'o',
                (Some(_), Some(_)) => panic!("the attempt phase does half of it"),
                (None, None) => panic!("it removes nothing"),
            }
        }
        "envoy.filters.http.upstream_codec" => 'x',
        other => panic!("{other}"),
    };
    found.unwrap_or(&none).iter().map(letter).collect()
}

/// The names of the credentials that a cluster may put in.
fn injected(cluster: &Value) -> Vec<&str> {
    let filters = protocol_options(cluster).get("http_filters").and_then(Value::as_array);
    let chooser = filters.into_iter().flatten().find(|each| each["name"] == "portolan-credential");
    let Some(chooser) = chooser else { return Vec::new() };
    let tree = at(chooser, "/typed_config/xds_matcher/matcher_tree");
    assert_eq!(at(tree, "/input/typed_config/header_name"), "x-portolan-credential");
    let map = at(tree, "/exact_match_map/map").as_object().unwrap();
    map.keys().map(String::as_str).collect()
}

#[test]
fn a_cluster_has_the_filters_that_its_requests_need_and_no_credential_but_its_own() {
    #[rustfmt::skip]
    let rows = [
        (MANAGED, PASS, "hub+ghcr+ecr", "acrx", "aws", "ghcr's is for its token service"),
        (MANAGED, PASS, "hub+open", "", "", "nobody of the list has one: the filters of the router"),
        (MANAGED, PASS, "hub", "", "", "the proxy's own token: the filters of the router"),
        (MANAGED, PASS, "ghcr", "", "", "the proxy's own token: the filters of the router"),
        (MANAGED, PASS, "ecr", "acrx", "aws", "the proxy's password"),
        (MANAGED, PASS, "open", "ox", "", "nothing to add"),
        (MANAGED, PASS, "open@owner", "ox", "", "nothing to add"),
        (MANAGED, PASS, "hub@token", "rx", "", "an anonymous token; the filter cannot call itself"),
        (MANAGED, PASS, "ghcr@token", "crx", "robot", "a token for the robot"),
        (BASIC, PASS, "hub", "", "", "as under managed"),
        (BASIC, PASS, "ghcr@token", "crx", "robot", "as under managed"),
        (BASIC, PASS, "main@verifier", "rx", "", "it is the clients' passwords that it sees"),
        (MANAGED, FOLLOW, "open", "", "", "a redirect of it is followed"),
        (MANAGED, FOLLOW, "open@owner", "", "", "a redirect of it is followed"),
        (MANAGED, FOLLOW, "hub@token", "rx", "", "the filter cannot call itself"),
    ];
    for (front, redirects, name, expected, credential, reason) in rows {
        let rendered = render(front, redirects);
        let cluster = cluster(&rendered, name);
        assert_eq!(filters(cluster), expected, "{front} {name}: {reason}");
        assert_eq!(injected(cluster).join(" "), credential, "{front} {name}: {reason}");
    }
}

#[test]
fn who_is_asked_by_the_filter_learns_nothing_of_this_machine() {
    let rendered = render(BASIC, PASS);
    for (name, credential) in [
        ("hub@token", None),
        ("ghcr@token", Some("x-portolan-credential")),
        ("main@verifier", None),
    ] {
        let filters =
            protocol_options(cluster(&rendered, name))["http_filters"].as_array().unwrap();
        let boundary = &filters[filters.len() - 2];
        let removed: Vec<&str> = at(boundary, "/typed_config/mutations/request_mutations")
            .as_array()
            .unwrap()
            .iter()
            .map(|mutation| mutation["remove"].as_str().unwrap())
            .collect();
        let envoys = ["x-forwarded-for", "x-envoy-internal", "x-envoy-expected-rq-timeout-ms"];
        let expected: Vec<&str> = credential.into_iter().chain(envoys).collect();
        assert_eq!(removed, expected, "{name}");
    }
}

#[test]
fn where_clients_log_in_themselves_only_passwords_are_put_in() {
    let text = POLICY
        .replace("{FRONT}", r#"{"upstream": {"login": "hub"}}"#)
        .replace("{PASS}", PASS)
        .replace(r#"["hub", "ghcr", "ecr"]"#, r#"["hub", "ecr"]"#);
    let config = Config::from_json(text.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"));
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    #[rustfmt::skip]
    let rows: &[(&str, &str, &[&str])] = &[
        ("hub+ecr", "acrx", &["aws"]),
        ("hub", "ox", &[]),
        ("ecr", "acrx", &["aws"]),
        ("ghcr@token", "rx", &[]),
    ];
    for (name, expected, credentials) in rows {
        let cluster = cluster(&rendered, name);
        assert_eq!(filters(cluster), *expected, "{name}");
        assert_eq!(injected(cluster), *credentials, "{name}");
    }
}

#[test]
fn without_the_filter_no_credential_and_no_service_is_used() {
    let rendered = bootstrap(&policy(BASIC, FOLLOW), "{}\n", &options(false, None));
    for cluster in at(&rendered, "/static_resources/clusters").as_array().unwrap() {
        assert_eq!(filters(cluster), "", "{}", cluster["name"]);
        assert!(
            !cluster["name"].as_str().unwrap().contains('@') || cluster["name"] == "open@owner"
        );
    }
}

#[test]
fn a_missing_secret_is_a_registrys_refusal_and_an_old_one_is_overwritten() {
    let rendered = render(MANAGED, PASS);
    let filters = &protocol_options(cluster(&rendered, "ecr"))["http_filters"];
    let injector = at(
        &filters[1],
        "/typed_config/xds_matcher/matcher_tree/exact_match_map/map/aws/action/typed_config\
         /typed_config/typed_config",
    );
    assert_eq!(injector["allow_request_without_credential"], true);
    assert_eq!(injector["overwrite"], true);
    assert_eq!(at(injector, "/credential/typed_config/header_value_prefix"), "Basic ");
    let removed = at(&filters[2], "/typed_config/mutations/request_mutations");
    assert_eq!(removed, &json!([{"remove": "x-portolan-credential"}]));
}

#[test]
fn services_are_reached_where_the_policy_says_and_asked_once() {
    let rendered = render(BASIC, PASS);
    let rows = [
        ("hub@token", "auth.docker.io", "auth.docker.io", 443),
        ("ghcr@token", "ghcr.io", "ghcr.io", 443),
        ("main@verifier", "127.0.0.1:9080", "127.0.0.1", 9080),
    ];
    for (name, authority, address, port) in rows {
        let cluster = cluster(&rendered, name);
        assert_eq!(at(cluster, "/load_assignment/cluster_name"), name);
        let endpoint = at(cluster, "/load_assignment/endpoints/0/lb_endpoints/0/endpoint");
        assert_eq!(endpoint["hostname"], authority);
        let socket = json!({"address": address, "port_value": port});
        assert_eq!(at(endpoint, "/address/socket_address"), &socket, "{name}");
        assert_eq!(cluster["connect_timeout"], "2s", "{name}: a pull waits for it");
        for field in ["health_checks", "outlier_detection"] {
            assert_eq!(cluster.get(field), None, "{name}: there is nobody else to ask");
        }
    }
}

#[test]
fn a_cluster_that_the_policy_names_is_somebody_elses_work() {
    let text = POLICY
        .replace("{FRONT}", r#"{"basic": {"verifier": "http://127.0.0.1:1", "cluster": "users"}}"#)
        .replace("{PASS}", PASS)
        .replace(r#""service": "registry"#, r#""cluster": "docker-auth", "service": "registry"#);
    let config = Config::from_json(text.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"));
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    let clusters = at(&rendered, "/static_resources/clusters").as_array().unwrap();
    for name in ["docker-auth", "hub@token", "users", "main@verifier"] {
        assert!(clusters.iter().all(|cluster| cluster["name"] != name), "{name}");
    }
    let notes = notes(&config, &options(true, None), true);
    let expected = [
        "note: the cluster `docker-auth` of backends.hub.auth.token.cluster is your own; add it to the \
         configuration, which only names it",
        "note: the cluster `users` of fronts.main.auth.basic.cluster is your own; add it to the \
         configuration, which only names it",
    ];
    assert_eq!(notes, expected);
}

/// Every object below a value.
fn objects(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(objects).collect(),
        Value::Object(fields) => {
            std::iter::once(value).chain(fields.values().flat_map(objects)).collect()
        }
        _ => Vec::new(),
    }
}

/// The paths of the SDS files that a configuration refers to, each with the directory that is
/// watched.
fn sds_paths(rendered: &Value) -> BTreeSet<(String, String)> {
    let sources = objects(rendered).into_iter().filter_map(|each| each.get("path_config_source"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    sources
        .map(|source| (text(&source["path"]), text(at(source, "/watched_directory/path"))))
        .collect()
}

#[test]
fn every_secret_that_is_referred_to_has_a_file_and_no_other_has_one() {
    let rendered = render(MANAGED, PASS);
    let row = |path: &str, directory: &str| (path.to_owned(), directory.to_owned());
    let expected = BTreeSet::from([
        row("/sds/ca-ecr.yaml", "/tls"),
        row("/sds/ca-ghcr.yaml", "/tls"),
        row("/sds/certificate-ecr.yaml", "/tls"),
        row("/sds/credential-aws.yaml", "/c"),
        row("/sds/credential-robot.yaml", "/c"),
    ]);
    assert_eq!(sds_paths(&rendered), expected);
    let files = secrets::all(&policy(MANAGED, PASS));
    let names: BTreeSet<String> = files
        .iter()
        .map(|secret| format!("/sds/{}", secret.file_name(secret_files(&options(true, None)))))
        .collect();
    assert_eq!(names, expected.into_iter().map(|(path, _)| path).collect());
    assert_eq!(files.len(), names.len(), "each once");
}

#[test]
fn an_sds_file_says_where_a_secret_is_and_not_what() {
    let start = "resources:\n- \"@type\": \
        type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n";
    let rows = [
        ("credential-aws.yaml", "  generic_secret:\n    secret:\n      filename: /c/aws\n"),
        ("ca-ecr.yaml", "  validation_context:\n    trusted_ca:\n      filename: /tls/ca.pem\n"),
        (
            "certificate-ecr.yaml",
            "  tls_certificate:\n    certificate_chain:\n      filename: /tls/c.pem\n    \
             private_key:\n      filename: /tls/c.key\n",
        ),
    ];
    let files = secrets::all(&policy(MANAGED, PASS));
    for (name, content) in rows {
        let file = files
            .iter()
            .find(|secret| secret.file_name(secret_files(&options(true, None))) == name)
            .unwrap();
        let secret = name.strip_suffix(".yaml").unwrap();
        assert_eq!(
            file.file_text(secret_files(&options(true, None))),
            format!("{start}  name: {secret}\n{content}")
        );
    }
}

#[test]
fn secrets_without_their_files_are_not_left_unsaid() {
    let notes = |written| notes(&policy(MANAGED, PASS), &options(true, None), written);
    assert_eq!(notes(true), [""; 0]);
    let expected = "note: Envoy starts only with these files in /sds: credential-robot.yaml, \
        credential-aws.yaml, ca-ghcr.yaml, ca-ecr.yaml, certificate-ecr.yaml; `--sds-output DIRECTORY` \
        writes them";
    assert_eq!(notes(false), [expected]);
}

#[test]
fn every_tls_connection_is_verified_by_authority_and_name() {
    #[rustfmt::skip]
    let rows = [
        ("hub", "registry-1.docker.io", None, None),
        ("hub@token", "auth.docker.io", None, None),
        ("ghcr", "ghcr.internal", Some("ca-ghcr"), None),
        ("ghcr@token", "ghcr.internal", Some("ca-ghcr"), None),
        ("ecr", "ecr.example", Some("ca-ecr"), Some("certificate-ecr")),
        ("hub@last", "registry-1.docker.io", None, None),
        ("ghcr@last", "ghcr.internal", Some("ca-ghcr"), None),
        ("ecr@last", "ecr.example", Some("ca-ecr"), Some("certificate-ecr")),
    ];
    let rendered = render(BASIC, PASS);
    for (name, subject, authority, certificate) in rows {
        let tls = at(cluster(&rendered, name), "/transport_socket/typed_config");
        assert_eq!(tls["sni"], subject, "{name}");
        let common = &tls["common_tls_context"];
        let names = json!([{"san_type": "DNS", "matcher": {"exact": subject}}]);
        match authority {
            None => {
                let expected = json!({
                    "trusted_ca": {"filename": "/ca-certificates.crt"},
                    "match_typed_subject_alt_names": names,
                });
                assert_eq!(common["validation_context"], expected, "{name}");
            }
            Some(secret) => {
                let combined = &common["combined_validation_context"];
                let default = json!({"match_typed_subject_alt_names": names});
                assert_eq!(combined["default_validation_context"], default, "{name}");
                let found = at(combined, "/validation_context_sds_secret_config/name");
                assert_eq!(found, secret, "{name}");
                assert_eq!(common.get("validation_context"), None, "{name}: one of the two");
            }
        }
        let shown = common.pointer("/tls_certificate_sds_secret_configs/0/name");
        assert_eq!(shown.and_then(Value::as_str), certificate, "{name}");
    }
    let sockets =
        objects(&rendered).into_iter().filter(|each| each.get("common_tls_context").is_some());
    assert_eq!(sockets.count(), rows.len(), "no connection but these is over TLS");
}

#[test]
fn a_token_service_elsewhere_is_not_trusted_by_the_backends_own_ca() {
    let realm = r#"{"token": {"realm": "https://auth.example/t"}}"#;
    let text = POLICY.replace("{FRONT}", MANAGED).replace("{PASS}", PASS).replace(
        r#""ghcr": {"url": "https://ghcr.io", "auth": "token""#,
        &format!(r#""ghcr": {{"url": "https://ghcr.io", "auth": {realm}"#),
    );
    let config = Config::from_json(text.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"));
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    let tls = at(cluster(&rendered, "ghcr@token"), "/transport_socket/typed_config");
    assert_eq!(tls["sni"], "auth.example");
    let trusted = at(tls, "/common_tls_context/validation_context/trusted_ca/filename");
    assert_eq!(trusted, "/ca-certificates.crt");
}
