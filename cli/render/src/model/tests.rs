//! What the security of a rendered configuration rests on, as questions to the model.

use std::net::IpAddr;

use ipnet::IpNet;
use portolan_core::config::Config;
use portolan_core::contract::headers;
use portolan_policy_builder::{Front, Policy};
use serde_json::{Value, json};

use super::client_address::ForwardedFor;
use super::client_headers::{ClientHeaders, Peer};
use super::fill::Fill;
use super::inbound::{Inbound, LedHost, Sources};
use super::*;
use crate::tests::options;

fn config(changes: &[(&str, Value)]) -> Config {
    let hosts = ["r.example", "r.example:8443", "other.example:444"];
    let policy = Policy::smallest().front("main", Front::at(hosts));
    let with = |policy: Policy, (field, value): &(&str, Value)| policy.with(field, value.clone());
    changes.iter().fold(policy, with).read_by(Config::from_json)
}

fn with_clients(clients: &Value) -> Config {
    config(&[("clients", clients.clone())])
}

/// The same policy as what fills caches reads it.
fn fill(config: &Config) -> Fill {
    Fill {
        address: "192.0.2.9:8090".parse().unwrap(),
        json: "{}\n".to_owned(),
        config: config.clone(),
    }
}

/// Looks at every listener of a policy, one that leads to `https` among them and, where it has
/// caches, the one that fills them. How many there are.
fn each_listener(config: &Config, look: impl Fn(&str, &Inbound<'_>)) -> usize {
    let options = Options { http_redirect: "[::]:80".parse().ok(), ..options(true, None) };
    let fill = (!config.caches().is_empty()).then(|| fill(config));
    let all = Model::of(config, "{}\n", &options, fill.as_ref()).listeners;
    let redirect = all.http_redirect.as_ref().map(|redirect| ("http", &redirect.inbound));
    let fill = all.fill.as_ref().map(|fill| ("fill", &fill.inbound));
    let all = [("clients", &all.clients)].into_iter().chain(redirect).chain(fill);
    all.map(|(name, inbound)| look(name, inbound)).count()
}

fn caches(nodes: &[&str], fill_from: Option<&str>) -> Config {
    let nodes: Vec<String> = nodes.iter().map(|node| format!("http://{node}:8300")).collect();
    let mut cache = json!({"nodes": nodes});
    if let Some(network) = fill_from {
        cache["fill_from"] = json!([network]);
    }
    config(&[("caches", json!({"near": cache}))])
}

fn may_connect(inbound: &Inbound<'_>, address: &str) -> bool {
    let address: IpAddr = address.parse().unwrap();
    match &inbound.sources {
        Sources::Anywhere => true,
        Sources::Networks(networks) => networks.iter().any(|network| network.contains(&address)),
    }
}

#[test]
fn only_the_nodes_and_this_machine_may_connect_where_caches_are_filled() {
    let two = &["192.0.2.1", "[2001:db8::1]"][..];
    #[rustfmt::skip]
    let rows = [
        (two, None, "192.0.2.1", true),
        (two, None, "2001:db8::1", true),
        (two, None, "127.0.0.1", true),
        (two, None, "::1", true),
        (two, None, "192.0.2.9", true),
        (two, None, "192.0.2.2", false),
        (two, None, "2001:db8::2", false),
        (two, None, "127.0.0.2", false),
        (two, None, "10.0.0.1", false),
        (two, Some("10.1.0.0/16"), "10.1.2.3", true),
        (two, Some("10.1.0.0/16"), "10.2.0.1", false),
        (two, Some("10.1.0.0/16"), "::1", true),
        (two, Some("10.1.0.0/16"), "203.0.113.1", false),
    ];
    for (nodes, network, address, expected) in rows {
        let seen = each_listener(&caches(nodes, network), |name, inbound| {
            if name == "fill" {
                let found = may_connect(inbound, address);
                assert_eq!(found, expected, "{nodes:?} {network:?}: {address}");
                assert!(!inbound.speaks_proxy_protocol, "nobody can say to be a node");
                assert_eq!(inbound.forwarded_for, ForwardedFor::Nobody);
            }
        });
        assert_eq!(seen, 3, "the last one fills");
    }
}

#[test]
fn nodes_of_a_cache_with_tls_connect_with_certificates_alone() {
    let tls = json!({"ca_file": "/a", "certificate_file": "/b", "key_file": "/c"});
    let cache = json!({"nodes": ["https://192.0.2.1:8300"], "tls": tls});
    let config = config(&[("caches", json!({"near": cache}))]);
    let (options, fill) = (options(true, None), fill(&config));
    let listener = Model::of(&config, "{}\n", &options, Some(&fill)).listeners.fill.unwrap();
    assert!(!may_connect(&listener.inbound, "192.0.2.1"), "without a certificate");
    assert!(may_connect(&listener.inbound, "127.0.0.1"), "the filter asks");
    let Some(Sources::Networks(networks)) = listener.tls.map(|tls| tls.sources) else { panic!() };
    let node: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(networks.iter().any(|network| network.contains(&node)));
}

#[test]
fn no_listener_believes_an_address_that_an_untrusted_network_forwards() {
    let balancers: [IpNet; 1] = ["192.0.2.0/24".parse().unwrap()];
    let anywhere = Sources::Anywhere;
    let from_balancers = Sources::Networks(balancers.to_vec());
    #[rustfmt::skip]
    let rows = [
        (json!({}), &anywhere, false, ForwardedFor::Nobody),
        (json!({"trusted_proxies": ["192.0.2.0/24"]}), &anywhere, false, ForwardedFor::Proxies(&balancers)),
        (json!({"trusted_hops": 1}), &anywhere, false, ForwardedFor::Hops(1)),
        (json!({"proxy_protocol": ["192.0.2.0/24"]}), &from_balancers, true, ForwardedFor::Nobody),
    ];
    for (clients, sources, speaks_proxy_protocol, forwarded_for) in rows {
        each_listener(&with_clients(&clients), |name, inbound| {
            assert_eq!(&inbound.sources, sources, "{name}: {clients}");
            assert_eq!(inbound.speaks_proxy_protocol, speaks_proxy_protocol, "{name}: {clients}");
            assert_eq!(inbound.forwarded_for, forwarded_for, "{name}: {clients}");
        });
    }
}

/// Whoever could speak the PROXY protocol from anywhere could say to be anybody.
#[test]
fn only_balancers_may_connect_to_a_listener_with_the_proxy_protocol() {
    let config = with_clients(&json!({"proxy_protocol": ["192.0.2.0/24"]}));
    let seen = each_listener(&config, |name, inbound| {
        assert!(inbound.speaks_proxy_protocol, "{name}");
        assert!(may_connect(inbound, "192.0.2.7"), "{name}");
        assert!(!may_connect(inbound, "203.0.113.7"), "{name}");
    });
    assert_eq!(seen, 2);
}

#[test]
fn a_clients_headers_do_not_speak_for_envoy_or_the_filter() {
    let by_headers = json!({
        "trusted_proxies": ["192.0.2.0/24"],
        "geo": {"headers": {"country": "x-geo-country"}},
    });
    let behind_a_balancer = json!({
        "proxy_protocol": ["192.0.2.0/24"],
        "trusted_proxies": ["198.51.100.0/24"],
        "geo": {"headers": {"country": "cf-ipcountry"}},
    });
    let is_removed = |found: &ClientHeaders, name: &str| {
        found.removed_first.iter().any(|beginning| name.starts_with(beginning))
    };
    #[rustfmt::skip]
    let rows = [
        (json!({}), "x-geo-country", true, None, "nobody sets geo headers"),
        (json!({"geo": {"database": "/geo.mmdb"}}), "x-geo-country", true, None, "Envoy sets them, if it finds the address"),
        (by_headers, "x-geo-country", false, Some(Peer::Connected), "a proxy sets them; the filter looks at who it is"),
        (behind_a_balancer, "cf-ipcountry", false, Some(Peer::NamedByBalancer), "and the balancer says who it is"),
    ];
    for (clients, geo, is_geo_removed, peer, reason) in rows {
        let found = ClientHeaders::of(with_clients(&clients).clients());
        for own in [
            headers::CLUSTER,
            headers::CREDENTIAL,
            headers::PEER,
            headers::GO_ON,
            "x-envoy-max-retries",
        ] {
            assert!(is_removed(&found, own), "{own}: {reason}");
        }
        assert!(!is_removed(&found, "authorization"), "clients bring credentials");
        assert_eq!(is_removed(&found, geo), is_geo_removed, "{reason}");
        assert_eq!(found.peer, peer, "{reason}");
        let is_shown =
            |name: &str| !found.removed_for_backends.iter().any(|removed| removed == name);
        for own in [headers::CLUSTER, headers::CREDENTIAL, headers::PEER, "x-forwarded-for"] {
            assert!(!is_shown(own), "no backend is shown {own}: {reason}");
        }
        assert!(is_geo_removed || !is_shown(geo), "no backend learns where a client is: {reason}");
    }
}

#[test]
fn each_host_is_led_to_https_once() {
    let host = |name, port| LedHost { name, port };
    let options = Options { http_redirect: "[::]:80".parse().ok(), ..options(true, None) };
    let named = config(&[]);
    let led = Model::of(&named, "{}\n", &options, None).listeners.http_redirect.unwrap().hosts;
    assert_eq!(led, [host("r.example", None), host("other.example", Some(444))]);
    let front = json!({"main": {"hosts": ["r.example:8443"], "default": true}});
    let for_all = config(&[("fronts", front)]);
    let led = Model::of(&for_all, "{}\n", &options, None).listeners.http_redirect.unwrap().hosts;
    assert_eq!(led, [host("r.example", Some(8443)), host("*", Some(8443))]);
}
