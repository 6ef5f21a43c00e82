//! Access to a node of a cache: which peers may ask for what.
//!
//! Envoys read content. Operators, who are the node's own machine and whom `--cache-operators`
//! names, also see what it counts and holds, and have it forget content. Whoever else reaches a
//! node is none of its business: the network has to keep them away.

use ipnet::IpNet;

use crate::cache::HOST;

/// The path at which a node says what it counts.
pub const STATISTICS: &str = "/portolan/statistics";
/// The path at which it says what it holds: all of it.
pub const LISTING: &str = "/portolan/store/lookup_regex?url=.*";
/// The path of the pages about the store, without that of each.
const STORE: &str = "/portolan/store/";

/// The node's own machine, and others.
pub(super) fn operators(others: &[IpNet]) -> Vec<IpNet> {
    let own = ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|prefix| prefix.parse().ok());
    own.chain(others.iter().copied()).collect()
}

/// `ip_allow.yaml`: which methods are taken from where.
pub(super) fn ip_allow(operators: &[IpNet]) -> String {
    let operators: Vec<String> = operators.iter().map(range).collect();
    format!(
        "ip_allow:\n\
         # Operators.\n\
         - {{apply: in, ip_addrs: [{}], action: allow, methods: [GET, HEAD, PURGE]}}\n\
         # Envoys.\n\
         - {{apply: in, ip_addrs: [0.0.0.0-255.255.255.255, \"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"], action: allow, methods: [GET, HEAD]}}\n",
        operators.iter().map(|range| format!("\"{range}\"")).collect::<Vec<_>>().join(", ")
    )
}

/// The rule of `remap.config` for the pages about the store.
pub(super) fn listing(scheme: &str, operators: &[IpNet]) -> String {
    let sources: Vec<String> =
        operators.iter().map(|prefix| format!(" @src_ip={}", range(prefix))).collect();
    let sources = sources.concat();
    format!("map {scheme}://{HOST}{STORE} http://{{cache}}/ @action=allow{sources}\n")
}

/// What the plugin reads that says what is counted.
pub(super) fn statistics(operators: &[IpNet]) -> String {
    let of = |is_wanted: fn(&IpNet) -> bool| {
        let prefixes = operators.iter().copied().filter(is_wanted);
        prefixes.map(|prefix| prefix.to_string()).collect::<Vec<_>>().join(",")
    };
    let [four, six] =
        [of(|prefix| matches!(prefix, IpNet::V4(_))), of(|prefix| matches!(prefix, IpNet::V6(_)))];
    let path = STATISTICS.trim_start_matches('/');
    format!("path={path}\nallow_ip={four}\nallow_ip6={six}\n")
}

fn range(prefix: &IpNet) -> String {
    format!("{}-{}", prefix.network(), prefix.broadcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_the_own_machine_and_named_networks() {
        let all = operators(&["10.1.2.3/8".parse().unwrap(), "2001:db8::/64".parse().unwrap()]);
        let allowed = ip_allow(&all);
        let first = allowed.lines().find(|line| line.contains("PURGE")).unwrap();
        assert_eq!(
            first,
            "- {apply: in, ip_addrs: [\"127.0.0.0-127.255.255.255\", \"::1-::1\", \"10.0.0.0-10.255.255.255\", \
             \"2001:db8::-2001:db8::ffff:ffff:ffff:ffff\"], action: allow, methods: [GET, HEAD, PURGE]}"
        );
        assert_eq!(allowed.matches("PURGE").count(), 1);
        assert_eq!(
            statistics(&operators(&[])),
            "path=portolan/statistics\nallow_ip=127.0.0.0/8\nallow_ip6=::1/128\n"
        );
        assert!(
            listing("http", &operators(&[]))
                .ends_with("@src_ip=127.0.0.0-127.255.255.255 @src_ip=::1-::1\n")
        );
    }
}
