//! Allowed peers, and rate limits of clients.

use portolan_policy_builder::{Backend, Policy};

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

#[test]
fn budgets_are_counted_behind_the_filter_and_not_again_where_a_redirect_leads() {
    let limits = json!({"limits": {"budgets": [
        {"requests": 9, "per": "1m", "fronts": ["main"], "classes": ["read_blob"], "backends": ["local"], "each": ["region"]},
        {"requests": 5, "per": "1s"},
    ], "except": ["10.0.0.0/8"]}});
    let config = config(&limits);
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    let filters = at(&rendered, &format!("{CONNECTION_MANAGER}/http_filters")).as_array().unwrap();
    let names: Vec<&str> = filters.iter().filter_map(|filter| filter["name"].as_str()).collect();
    let place = |name: &str| names.iter().position(|found| *found == name);
    let counts = place("portolan.budgets").unwrap();
    assert!(place("envoy.filters.http.wasm").unwrap() < counts, "{names:?}");
    assert!(place("envoy.filters.http.local_ratelimit").is_none(), "no network is limited");
    let fields = &filters[counts]["typed_config"];
    let which = at(fields, "/rate_limits/0/actions/0/extension/typed_config/text");
    let expected = "filter_state['wasm.portolan_front'] in [b'main'] && filter_state['wasm.portolan_class'] in \
                    [b'read_blob'] && request.headers['x-portolan-cluster'].matches('^(local)([~@+].*)?$') ? '0' : ''";
    assert_eq!(which, expected);
    assert_eq!(
        *at(fields, "/rate_limits/1/actions/0/extension/typed_config/text"),
        "true ? '1' : ''"
    );
    // What is said of a request has to be what a descriptor is written for, word by word.
    for (actions, descriptor) in at(fields, "/rate_limits")
        .as_array()
        .unwrap()
        .iter()
        .zip(at(fields, "/descriptors").as_array().unwrap())
    {
        let keys: Vec<&str> = descriptor["entries"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["key"].as_str())
            .collect();
        let said: Vec<String> = actions["actions"].as_array().unwrap().iter().map(key_of).collect();
        assert_eq!(keys, said);
    }
    let unmeasured = bootstrap(&config, "{}\n", &options(false, None));
    assert!(
        !unmeasured.to_string().contains("portolan.budgets"),
        "nothing decides, nothing counts"
    );
}

/// Each filter adds its headers beside those of another one, and a client reads one value.
#[test]
fn one_filter_says_how_much_a_client_has_left() {
    let one = json!([{"requests": 9, "per": "1m"}]);
    let (of_networks, of_budgets, of_all) =
        ("envoy.filters.http.local_ratelimit", "portolan.budgets", "portolan.limits_of_all");
    for (limits, service, expected) in [
        (json!({"networks": one}), None, of_networks),
        (json!({"budgets": one}), None, of_budgets),
        (json!({"networks": one, "budgets": one}), None, of_networks),
        (json!({"networks": one, "budgets": one}), Some("http://127.0.0.1:8081"), of_all),
    ] {
        let mut options = options(true, None);
        options.rate_limit_service = service.map(|url| url.parse().unwrap());
        let rendered = bootstrap(&config(&json!({"limits": limits})), "{}\n", &options);
        let filters = at(&rendered, &format!("{CONNECTION_MANAGER}/http_filters")).as_array();
        let said = filters.unwrap().iter().filter(|filter| {
            filter["typed_config"]["enable_x_ratelimit_headers"] == "DRAFT_VERSION_03"
        });
        let names: Vec<&str> = said.filter_map(|filter| filter["name"].as_str()).collect();
        assert_eq!(names, [expected], "{limits} {service:?}");
    }
}

/// The key that an action says something under.
fn key_of(action: &Value) -> String {
    let said = action
        .pointer("/extension/typed_config/descriptor_key")
        .or_else(|| action.pointer("/remote_address_match/descriptor_key"))
        .and_then(Value::as_str);
    said.unwrap_or("masked_remote_address").to_owned()
}

#[test]
fn a_backend_behind_a_proxy_keeps_its_tls_and_its_name() {
    let through = |url| Backend::at(url).with("connect_proxy", "http://proxy.example:3128");
    let config = Policy::new()
        .backend("a", through("https://a.example"))
        .backend("b", Backend::at("https://b.example"))
        .backend("c", through("http://[2001:db8::1]:5000"))
        .read_by(Config::from_json);
    let rendered = bootstrap(&config, "{}\n", &options(true, None));
    let a = cluster(&rendered, "a");
    let inner = at(a, "/transport_socket/typed_config/transport_socket");
    assert_eq!(*at(inner, "/typed_config/sni"), "a.example");
    let endpoint = at(a, "/load_assignment/endpoints/0/lb_endpoints/0");
    assert_eq!(*at(endpoint, "/endpoint/hostname"), "a.example");
    let said = |endpoint: &Value| at(endpoint, "/metadata/filter_metadata/portolan.egress").clone();
    assert_eq!(
        said(endpoint),
        json!({"server": "a.example:443", "proxy": "proxy.example:3128@connect"})
    );
    assert!(
        endpoint.pointer("/metadata/filter_metadata").unwrap().as_object().unwrap().len() == 2,
        "the backend's name"
    );
    assert!(a.get("cluster_type").is_none(), "the proxy looks it up");
    assert!(a.get("health_checks").is_none(), "Envoy could not make one");
    let c = at(cluster(&rendered, "c"), "/load_assignment/endpoints/0/lb_endpoints/0");
    assert_eq!(said(c)["server"], "[2001:db8::1]:5000");
    assert!(!cluster(&rendered, "b").to_string().contains("egress"));
    let clusters = at(&rendered, "/static_resources/clusters").as_array().unwrap();
    let proxies = clusters.iter().filter(|one| one["name"] == "proxy.example:3128@connect");
    assert_eq!(proxies.count(), 1, "one for both");
}
