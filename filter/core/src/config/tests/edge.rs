//! Balancers that say who their client is, limits of clients, and writes that are refused for a while.

use super::*;

fn check(place: &str, rows: &[(&str, &str)]) {
    for (value, expected) in rows {
        let found = mistakes(&with(place, value));
        let as_wanted = match *expected {
            "" => found.is_empty(),
            start => found.iter().any(|mistake| mistake.starts_with(start)),
        };
        assert!(as_wanted, "{value}\nwanted: {expected}\nfound: {found:#?}");
    }
}

#[test]
fn balancers_are_prefixes_or_labels() {
    #[rustfmt::skip]
    check("/clients", &[
        (r#"{"proxy_protocol": ["10.0.0.0/8", "2001:db8::/32"]}"#, ""),
        (r#"{"proxy_protocol": ["aws:us-*"], "trusted_hops": 1}"#, ""),
        (r#"{"proxy_protocol": []}"#, ""),
        (r#"{"proxy_protocol": ["10.0.0.1/8"]}"#, "clients.proxy_protocol[0]: `10.0.0.1/8`"),
        (r#"{"proxy_protocol": ["nobody"]}"#, "clients.proxy_protocol[0]: "),
        (r#"{"proxy_protocol": true}"#, "clients.proxy_protocol: "),
    ]);
}

#[test]
fn limits_that_cannot_be_are_refused() {
    #[rustfmt::skip]
    check("/clients", &[
        (r#"{"limits": {"networks": [{"requests": 600, "per": "1m"}]}}"#, ""),
        (r#"{"limits": {"networks": [{"requests": 1, "per": "1s", "burst": 9, "ipv4": 24, "ipv6": 48}],
             "except": ["aws:us-*", "10.0.0.0/8"], "entries": 5}}"#, ""),
        (r#"{"limits": {}}"#, "clients.limits: is empty; write `networks`"),
        (r#"{"limits": {"networks": []}}"#, "clients.limits.networks: is empty; write at least one limit"),
        (r#"{"limits": {"networks": [{"requests": 600}]}}"#, "clients.limits.networks[0]: `per` is missing"),
        (r#"{"limits": {"networks": [{"requests": 0, "per": "1m"}]}}"#, "clients.limits.networks[0].requests: is out of range"),
        (r#"{"limits": {"networks": [{"requests": 9, "per": "500ms"}]}}"#, "clients.limits.networks[0].per: is too short"),
        (r#"{"limits": {"networks": [{"requests": 9, "per": "1m", "ipv4": 33}]}}"#, "clients.limits.networks[0].ipv4: is out of range"),
        (r#"{"limits": {"networks": [{"requests": 9, "per": "1m", "ipv6": 8}]}}"#, "clients.limits.networks[0].ipv6: is out of range"),
        (r#"{"limits": {"networks": [{"requests": 9, "per": "1m"}], "except": ["x y"]}}"#, "clients.limits.except[0]: "),
    ]);
}

#[test]
fn a_reason_is_one_line() {
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        (r#"{"hosts": ["h"], "writes": {"refused": "upgrade until 14:00 UTC"}}"#, ""),
        (r#"{"hosts": ["h"], "writes": {"refused": ""}}"#, "fronts.main.writes.refused: is an empty text"),
        (r#"{"hosts": ["h"], "writes": {"refused": "a\nb"}}"#, "fronts.main.writes.refused: "),
        (r#"{"hosts": ["h"], "writes": {}}"#, "fronts.main.writes: is empty; write `refused`"),
        (r#"{"hosts": ["h"], "writes": "refused"}"#, "fronts.main.writes: "),
    ];
    check("/fronts/main", rows);
}
