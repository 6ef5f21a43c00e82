//! Whether another process listens where the clients of an Envoy connect.
//!
//! Each worker of an Envoy has a listening socket of its own (`SO_REUSEPORT`), and Linux spreads
//! new connections over all sockets of an address, whichever process has opened them. So an Envoy
//! that was forgotten takes its share of the clients, with the policy that it had. Linux lists the
//! sockets of a network namespace in `/proc/net/tcp` and `/proc/net/tcp6` (proc(5)); where these
//! files are not there, nothing is said.
//!
//! A connection belongs to its socket from the moment on in which Linux has answered it, before
//! Envoy takes it. When the socket is closed, Linux resets the connections that wait there, unless
//! `tcp_migrate_req` is set: then another socket of the address gets them (ip-sysctl, Linux 5.14).

use std::fs;
use std::net::{IpAddr, SocketAddr};

use portolan_render::{LISTENER, SiteArgs};
use serde_json::Value;

use super::envoy::Envoy;

/// The state of a socket that listens.
const LISTENS: &str = "0A";

/// A warning where more sockets listen at the address of the clients than these Envoys have. Where
/// an Envoy does not say how many it has, nothing is said.
pub(super) fn warning(envoys: &[Envoy], site: &SiteArgs) -> Option<String> {
    let address = site.listen();
    let found = sockets(address);
    let of_one = |envoy: &Envoy| {
        if site.has_exclusive_port() {
            return Some(1);
        }
        workers(&envoy.get("/server_info").ok()?)
    };
    let own = envoys.iter().map(of_one).sum::<Option<usize>>()?;
    (own > 0 && found > own).then(|| {
        format!(
            "warning: {found} sockets listen at {address}, and the Envoys that were asked have {own}: another process \
             takes some of the new connections. `ss -lptn 'sport = :{}'` says which; \
             `portolan render --exclusive-port` keeps a second Envoy from the address",
            address.port()
        )
    })
}

/// A note, before an Envoy closes its sockets, where another process listens at their address and
/// Linux would reset the connections that wait at them.
pub(super) fn note_of_closing(envoy: &Envoy) -> Option<String> {
    let migrates = fs::read_to_string(MIGRATES).is_ok_and(|value| value.trim() != "0");
    let address = address_of_clients(&envoy.get("/listeners?format=json").ok()?)?;
    let own = workers(&envoy.get("/server_info").ok()?)?;
    (!migrates && sockets(address) > own).then(|| {
        format!(
            "note: another process listens at {address}. Linux resets the connections that wait at this Envoy's sockets \
             in the moment in which it closes them; `sysctl -w net.ipv4.tcp_migrate_req=1` (Linux 5.14) hands them to \
             the other process"
        )
    })
}

/// Whether Linux hands connections that wait at a socket that is closed to another one of the
/// address.
const MIGRATES: &str = "/proc/sys/net/ipv4/tcp_migrate_req";

/// The address of the listener for clients, of what Envoy says of its listeners.
fn address_of_clients(listeners: &str) -> Option<SocketAddr> {
    let all: Value = serde_json::from_str(listeners).ok()?;
    let is_for_clients = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(LISTENER);
    let one = all.get("listener_statuses")?.as_array()?.iter().find(is_for_clients)?;
    let address = one.pointer("/local_address/socket_address")?;
    let ip: IpAddr = address.get("address")?.as_str()?.parse().ok()?;
    let port = u16::try_from(address.get("port_value")?.as_u64()?).ok()?;
    Some(SocketAddr::new(ip, port))
}

/// How many sockets listen at an address.
fn sockets(address: SocketAddr) -> usize {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    tables.iter().flatten().map(|table| sockets_at(table, address)).sum()
}

/// How many workers an Envoy has, of what it says of itself.
fn workers(server_info: &str) -> Option<usize> {
    let info: Value = serde_json::from_str(server_info).ok()?;
    let count = info.pointer("/command_line_options/concurrency")?.as_u64()?;
    usize::try_from(count).ok()
}

/// How many sockets of a table of the kernel listen at exactly this address.
fn sockets_at(table: &str, address: SocketAddr) -> usize {
    let address = in_table(address);
    let listens = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(address.as_str()) && fields.nth(1) == Some(LISTENS)
    };
    table.lines().filter(listens).count()
}

/// An address as the kernel prints it: words of 32 bits in the byte order of the machine, a colon,
/// the port.
fn in_table(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let (words, _) = octets.as_chunks::<4>();
    let word = |word: &[u8; 4]| format!("{:08X}", u32::from_ne_bytes(*word));
    format!("{}:{:04X}", words.iter().map(word).collect::<Vec<_>>().concat(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n\
        \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n\
        \x20  1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1\n\
        \x20  2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 3 1\n\
        \x20  3: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1\n";

    /// As a machine of little-endian byte order prints them.
    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_that_listen_at_an_address() {
        let at = |address: &str| sockets_at(TABLE, address.parse().unwrap());
        assert_eq!(at("127.0.0.1:8080"), 2, "a connection does not listen");
        assert_eq!(at("0.0.0.0:8080"), 1);
        assert_eq!(at("127.0.0.1:8081"), 0);
        assert_eq!(in_table("[::1]:80".parse().unwrap()), "00000000000000000000000001000000:0050");
    }

    #[test]
    fn the_address_of_clients_as_envoy_says_it() {
        let said = r#"{"listener_statuses": [
            {"name": "portolan-metrics", "local_address": {"socket_address": {"address": "0.0.0.0", "port_value": 1}}},
            {"name": "portolan", "local_address": {"socket_address": {"address": "::", "port_value": 8080}}}
        ]}"#;
        assert_eq!(address_of_clients(said), Some("[::]:8080".parse().unwrap()));
        assert_eq!(address_of_clients(r#"{"listener_statuses": []}"#), None);
        assert_eq!(address_of_clients("{}"), None, "none is there any more");
    }

    #[test]
    fn workers_as_envoy_says_them() {
        assert_eq!(workers(r#"{"command_line_options": {"concurrency": 4}}"#), Some(4));
        assert_eq!(workers("not JSON"), None);
    }
}
