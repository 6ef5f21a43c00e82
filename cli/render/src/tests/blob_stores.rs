//! The clusters for probes of blob stores.

use super::*;
use crate::model::secrets;

const POLICY: &str = r#"{
    "version": 1,
    "fronts": {"main": {"hosts": ["registry.example.com"]}},
    "backends": {"east": {"url": "https://ar.example"}},
    "blob_stores": {
        "east": {"url": "https://east.example/images/{digest}"},
        "west": {"url": "https://10.0.0.1:8443/{digest}",
                 "tls": {"ca_file": "/tls/west.pem", "server_name": "west.internal"}},
        "near": {"url": "http://127.0.0.1:9000/{digest}"},
        "mine": {"url": "https://mine.example/{digest}", "cluster": "outbound|443||mine"}
    },
    "regions": {"default": {}},
    "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["east"]},
               "client_redirects": {"stores": "east"}}]
}"#;

fn policy() -> Config {
    Config::from_json(POLICY.as_bytes()).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn clusters(wasm: bool) -> Vec<Value> {
    let rendered = bootstrap(&policy(), "{}\n", &options(wasm, None));
    at(&rendered, "/static_resources/clusters").as_array().unwrap().clone()
}

fn names(clusters: &[Value]) -> Vec<&str> {
    clusters.iter().filter_map(|cluster| cluster["name"].as_str()).collect()
}

#[test]
fn each_has_one_unless_the_user_has() {
    let all = ["east", "east@probe", "west@probe", "near@probe"];
    assert_eq!(names(&clusters(true)), all);
    assert_eq!(names(&clusters(false)), ["east"], "without the filter nobody asks");
    let notes = notes(&policy(), &options(true, None), true);
    let expected = "note: the cluster `outbound|443||mine` of blob_stores.mine.cluster is your own; add \
        it to the configuration, which only names it";
    assert_eq!(notes, [expected]);
}

#[test]
fn the_questions_of_all_workers_fit() {
    let clusters = clusters(true);
    let store = clusters.iter().find(|cluster| cluster["name"] == "near@probe").unwrap();
    let most = at(store, "/circuit_breakers/thresholds/0");
    let of = |limit: &str| most[limit].as_u64().unwrap();
    assert!(of("max_requests") >= 64 * 512 && of("max_pending_requests") >= 64 * 512, "{most}");
}

#[test]
fn stores_are_verified_as_backends_are() {
    let clusters = clusters(true);
    let tls = |name| {
        let cluster = clusters.iter().find(|cluster| cluster["name"] == name).unwrap();
        cluster.pointer("/transport_socket/typed_config")
    };
    let east = tls("east@probe").unwrap();
    assert_eq!(east["sni"], "east.example");
    let validation = at(east, "/common_tls_context/validation_context");
    let names = json!([{"san_type": "DNS", "matcher": {"exact": "east.example"}}]);
    assert_eq!(validation["match_typed_subject_alt_names"], names);
    assert_eq!(validation["trusted_ca"]["filename"], "/ca-certificates.crt");
    let west = tls("west@probe").unwrap();
    assert_eq!(west["sni"], "west.internal");
    let secret = at(
        west,
        "/common_tls_context/combined_validation_context/validation_context_sds_secret_config/name",
    );
    assert_eq!(secret, "ca-west@probe");
    assert_eq!(tls("near@probe"), None);
    let all = secrets::all(&policy());
    let options = options(true, None);
    let files: Vec<String> = all.iter().map(|one| one.file_name(secret_files(&options))).collect();
    assert_eq!(files, ["ca-west@probe.yaml"], "a backend may have the same name");
}
