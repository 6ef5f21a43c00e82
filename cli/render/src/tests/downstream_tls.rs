//! The certificates that clients of a front get.

use super::*;
use crate::model::secrets;

fn policy(own: &str, other: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{
            "own": {{"hosts": ["own.example"], {own}}},
            "other": {{"hosts": ["other.example"], {other}}}
        }},
        "backends": {{"own": {{"url": "https://a.example",
            "tls": {{"certificate_file": "/mtls/own.pem", "key_file": "/mtls/own.key"}}}}}},
        "regions": {{"default": {{}}}},
        "rules": [{{"name": "all", "repositories": ["**"], "chains": {{"default": ["own"]}}}}]
    }}"#
    )
}

const OWN: &str =
    r#""tls": {"certificate_file": "/tls/own/tls.crt", "key_file": "/tls/own/tls.key"}"#;
const OTHER: &str =
    r#""tls": {"certificate_file": "/tls/other.pem", "key_file": "/tls/other.key"}"#;

#[test]
fn one_filter_chain_has_all_certificates() {
    let config = Config::from_json(policy(OWN, OTHER).as_bytes()).unwrap();
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    let chains = at(&rendered, "/static_resources/listeners/0/filter_chains").as_array().unwrap();
    assert_eq!(chains.len(), 1, "a second one would be a second filter, with a policy of its own");
    let tls = at(&chains[0], "/transport_socket/typed_config/common_tls_context");
    let secrets = at(tls, "/tls_certificate_sds_secret_configs").as_array().unwrap();
    let names: Vec<&str> = secrets.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["front-own", "front-other"]);
    let watched = secrets[0].pointer("/sds_config/path_config_source/watched_directory/path");
    assert_eq!(watched, Some(&json!("/tls/own")), "replaced while Envoy runs");
    assert_eq!(tls["alpn_protocols"], json!(["h2", "http/1.1"]));
    assert_eq!(*at(tls, "/tls_params/tls_minimum_protocol_version"), "TLSv1_2");
}

#[test]
fn the_files_of_a_front_are_not_those_of_a_backend_of_the_same_name() {
    let config = Config::from_json(policy(OWN, OTHER).as_bytes()).unwrap();
    let files: Vec<(String, String)> = secrets::all(&config)
        .iter()
        .map(|one| {
            (
                one.file_name(secret_files(&options(true, None))),
                one.file_text(secret_files(&options(true, None))),
            )
        })
        .collect();
    let text = |name: &str| &files.iter().find(|(found, _)| found == name).unwrap().1;
    assert!(text("front-own.yaml").contains("/tls/own/tls.key"));
    assert!(text("front-other.yaml").contains("/tls/other.pem"));
    assert!(text("certificate-own.yaml").contains("/mtls/own.key"));
    assert_eq!(files.len(), 3);
}

#[test]
fn without_certificates_there_is_no_tls() {
    let config = Config::from_json(policy(r#""default": true"#, r#""health": true"#).as_bytes());
    let rendered = bootstrap(&config.unwrap(), "{}\n", &options(true, None));
    let chain = at(&rendered, "/static_resources/listeners/0/filter_chains/0");
    assert_eq!(chain.get("transport_socket"), None);
}

#[test]
fn what_is_refused() {
    #[rustfmt::skip]
    let rows = [
        (OWN, r#""default": true"#, "fronts.other: has no `tls`, and `own` has: clients of all fronts come to one listener; write `tls` for all of them, or for none if"),
        (r#""tls": {"certificate_file": "/a.pem"}"#, OTHER, "fronts.own.tls: `key_file` is missing; write the path of a PEM file with the key of `certificate_file`"),
        (r#""tls": {"certificate_file": "", "key_file": "/a.key"}"#, OTHER, "fronts.own.tls.certificate_file: is an empty text; write the path of a PEM file with the front's certificate and its chain"),
        (r#""tls": {"certificate_file": "/a.pem", "key_file": "/a.key", "ca_file": "/c"}"#, OTHER, "fronts.own.tls.ca_file: "),
    ];
    for (own, other, expected) in rows {
        let mistakes = Config::from_json(policy(own, other).as_bytes()).unwrap_err();
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.starts_with(expected)), "{expected}\n{said:#?}");
    }
}
