//! The PROXY protocol, rate limits of clients, and refused clients.

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
        (r#"{"limits": {}}"#, "clients.limits: says no limit"),
        (r#"{"limits": {"entries": 9}}"#, "clients.limits: says no limit"),
        (r#"{"limits": {"networks": []}}"#, "clients.limits.networks: is empty; write at least one limit"),
        (r#"{"limits": {"networks": [{"requests": 600}]}}"#, "clients.limits.networks[0]: `per` is missing"),
        (r#"{"limits": {"networks": [{"requests": 0, "per": "1m"}]}}"#, "clients.limits.networks[0].requests: is 0; write a whole number"),
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

#[test]
fn values_at_the_edge_are_refused_with_a_reason() {
    #[rustfmt::skip]
    check("/clients", &[
        (r#"{"refused": []}"#, ""),
        (r#"{"refused": [{"networks": ["office", "203.0.113.0/24", "aws:us-*"], "reason": "no"},
             {"user_agents": ["curl/*"], "images": ["drycc/**", "drycc/base:1.*"], "reason": "no"}]}"#, ""),
        (r#"{"refused": [{"reason": "no"}]}"#, "clients.refused[0]: says nobody and nothing"),
        (r#"{"refused": [{"networks": [], "images": [], "reason": "no"}]}"#, "clients.refused[0]: says nobody and nothing"),
        (r#"{"refused": [{"images": ["a"]}]}"#, "clients.refused[0]: `reason` is missing"),
        (r#"{"refused": [{"images": ["a"], "reason": ""}]}"#, "clients.refused[0].reason: is an empty text"),
        (r#"{"refused": [{"networks": ["offices"], "reason": "no"}]}"#, "clients.refused[0].networks[0]: no label of `networks` matches `offices`; did you mean `office`?"),
        (r#"{"refused": [{"networks": ["203.0.113.1/24"], "reason": "no"}]}"#, "clients.refused[0].networks[0]: `203.0.113.1/24`"),
        (r#"{"refused": [{"user_agents": ["*"], "reason": "no"}]}"#, "clients.refused[0].user_agents[0]: `*` is not valid"),
        (r#"{"refused": [{"images": ["Drycc/base"], "reason": "no"}]}"#, "clients.refused[0].images[0]: `Drycc/base`"),
        (r#"{"refused": [{"images": ["a@sha256:1"], "reason": "no"}]}"#, "clients.refused[0].images[0]: `a@sha256:1` is not valid"),
        (r#"{"refused": {"images": ["a"], "reason": "no"}}"#, "clients.refused: "),
        (r#"{"refused": [{"image": ["a"], "reason": "no"}]}"#, "clients.refused[0].image: "),
    ]);
}

#[test]
fn budgets_name_what_there_is() {
    #[rustfmt::skip]
    check("/clients", &[
        (r#"{"limits": {"budgets": [{"requests": 600, "per": "1m"}]}}"#, ""),
        (r#"{"limits": {"budgets": [{"requests": 9, "per": "1s", "burst": 99, "fronts": ["main"], "classes": ["read_blob", "upload"],
             "regions": ["cn", "default"], "backends": ["ghcr"], "each": ["client", "class", "client"]}]}}"#, ""),
        (r#"{"limits": {"budgets": []}}"#, "clients.limits.budgets: is empty"),
        (r#"{"limits": {"budgets": [{"requests": 9}]}}"#, "clients.limits.budgets[0]: `per` is missing"),
        (r#"{"limits": {"budgets": [{"requests": 9, "per": "1m", "fronts": ["mian"]}]}}"#, "clients.limits.budgets[0].fronts[0]: there is no front `mian`; did you mean `main`?"),
        (r#"{"limits": {"budgets": [{"requests": 9, "per": "1m", "regions": ["us", "xx"]}]}}"#, "clients.limits.budgets[0].regions[1]: there is no region `xx`"),
        (r#"{"limits": {"budgets": [{"requests": 9, "per": "1m", "backends": ["docker"]}]}}"#, "clients.limits.budgets[0].backends[0]: there is no backend `docker`"),
        (r#"{"limits": {"budgets": [{"requests": 9, "per": "1m", "classes": ["blob"]}]}}"#, "clients.limits.budgets[0].classes[0]: `blob` is not valid"),
        (r#"{"limits": {"budgets": [{"requests": 9, "per": "1m", "each": ["users"]}]}}"#, "clients.limits.budgets[0].each[0]: `users` is not valid"),
    ]);
}

#[test]
fn users_have_budgets_where_a_front_knows_them() {
    let no_users = "clients.limits.budgets[0].each[1]: no front that it counts asks for passwords";
    #[rustfmt::skip]
    let rows = [
        (true, r#""each": ["class", "user"]"#, ""),
        (true, r#""each": ["class", "user"], "fronts": ["main"]"#, ""),
        (true, r#""each": ["class", "user"], "fronts": ["other", "main"]"#, ""),
        (true, r#""each": ["class", "user"], "fronts": ["other"]"#, no_users),
        (false, r#""each": ["class", "user"]"#, no_users),
        (false, r#""each": ["class", "client"]"#, ""),
    ];
    for (has_passwords, budget, expected) in rows {
        let auth = r#", "auth": {"basic": {"verifier": "http://127.0.0.1:9000"}}"#;
        let auth = if has_passwords { auth } else { "" };
        let fronts =
            format!(r#"{{"main": {{"hosts": ["a"]{auth}}}, "other": {{"hosts": ["b"]}}}}"#);
        let mut policy: serde_json::Value =
            serde_json::from_str(&with("/fronts", &fronts)).unwrap();
        let clients =
            format!(r#"{{"limits": {{"budgets": [{{"requests": 9, "per": "1m", {budget}}}]}}}}"#);
        policy["clients"] = serde_json::from_str(&clients).unwrap();
        let found = mistakes(&policy.to_string());
        let of_budgets = found.iter().find(|mistake| mistake.starts_with("clients.limits"));
        let found = of_budgets.map_or("", String::as_str);
        assert!(found.starts_with(expected), "{budget}: {found}");
        assert_eq!(found.is_empty(), expected.is_empty(), "{budget}: {found}");
    }
}

#[test]
fn a_proxy_that_connects_has_an_http_url() {
    #[rustfmt::skip]
    check("/backends/quay", &[
        (r#"{"url": "https://quay.io", "connect_proxy": "http://proxy.example.com:3128"}"#, ""),
        (r#"{"url": "https://quay.io", "connect_proxy": "http://[2001:db8::1]:3128", "auth": "token"}"#, ""),
        (r#"{"url": "https://quay.io", "connect_proxy": "https://proxy.example.com"}"#, "backends.quay.connect_proxy: is `https`"),
        (r#"{"url": "https://quay.io", "connect_proxy": "http://proxy.example.com/x"}"#, "backends.quay.connect_proxy: is `https`, or has a path"),
        (r#"{"url": "https://quay.io", "connect_proxy": "proxy.example.com:3128"}"#, "backends.quay.connect_proxy: "),
        (r#"{"url": "https://quay.io", "connect_proxy": "http://a:b@proxy.example.com"}"#, "backends.quay.connect_proxy: "),
        (r#"{"url": "https://quay.io", "connect_proxy": "http://proxy.example.com", "redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.example"]}}"#,
         "backends.quay.connect_proxy: redirects that are followed do not go through such a proxy"),
    ]);
}
