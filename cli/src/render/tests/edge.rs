//! Who may connect, and how many requests a client may make.

use super::*;

#[test]
fn with_the_proxy_protocol_only_balancers_connect() {
    let config = config(&json!({"proxy_protocol": ["10.0.0.0/8"]}));
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    let listener = at(&rendered, "/static_resources/listeners/0");
    let first = at(listener, "/listener_filters/0/name");
    assert_eq!(first, "envoy.filters.listener.proxy_protocol", "before anything else is read");
    let ranges = at(listener, "/filter_chains/0/filter_chain_match/direct_source_prefix_ranges");
    let twin = json!({"address_prefix": "::ffff:10.0.0.0", "prefix_len": 104});
    assert_eq!(*ranges, json!([{"address_prefix": "10.0.0.0", "prefix_len": 8}, twin]));
    assert!(listener.get("default_filter_chain").is_none(), "nobody else's connection is kept");
}

#[test]
fn without_it_everybody_does() {
    let rendered = bootstrap(&config(&json!({})), "{}\n", &options(true, None));
    let listener = at(&rendered, "/static_resources/listeners/0");
    assert!(listener.pointer("/filter_chains/0/filter_chain_match").is_none());
    assert!(!listener.to_string().contains("proxy_protocol"));
}

#[test]
fn clients_are_counted_after_the_log_has_what_they_sent_and_before_the_filter() {
    let limits =
        json!({"limits": {"networks": [{"requests": 9, "per": "1m"}], "except": ["10.0.0.0/8"]}});
    let rendered = bootstrap(&config(&limits), "{}\n", &options(true, None));
    let filters = at(&rendered, &format!("{CONNECTION_MANAGER}/http_filters")).as_array().unwrap();
    let names: Vec<&str> = filters.iter().filter_map(|filter| filter["name"].as_str()).collect();
    let place = |name: &str| names.iter().position(|found| *found == name).unwrap();
    let counts = place("envoy.filters.http.local_ratelimit");
    assert!(place("envoy.filters.http.set_filter_state") < counts, "{names:?}");
    assert!(counts < place("envoy.filters.http.wasm"), "{names:?}");
    let fields = &filters[counts]["typed_config"];
    assert_eq!(fields["max_dynamic_descriptors"], 100_000, "Envoy's own default is 20");
    assert_eq!(*at(fields, "/descriptors/0/token_bucket/fill_interval"), "60s");
    let matcher = at(fields, "/rate_limits/0/actions/0/remote_address_match/address_matcher");
    assert_eq!(matcher["invert_match"], true, "whoever is excepted is counted by nothing");
}
