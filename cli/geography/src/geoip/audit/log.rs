//! Lines of the access log that say where clients are, as `portolan render` makes Envoy write them.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// How long the prefixes are by which clients are taken together: what one site or one customer
/// has.
const V4_LENGTH: u8 = 24;
const V6_LENGTH: u8 = 48;

/// The fields that are read of a line.
#[derive(Deserialize)]
struct Line {
    client: Option<IpAddr>,
    region: Option<String>,
    rule: Option<String>,
    backend: Option<String>,
    method: Option<String>,
    status: Option<u16>,
    attempts: Option<u32>,
    first_byte_ms: Option<u64>,
}

/// What the clients of one network did.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// How many requests they made.
    pub(super) requests: u64,
    /// For each region and rule that their reads were served by, and each backend, the times until
    /// its first byte in milliseconds. Only reads that the first who was asked answered: others say
    /// more of who failed.
    pub(super) times: BTreeMap<(String, String), BTreeMap<String, Vec<u64>>>,
}

/// A whole log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// By network.
    pub(super) networks: BTreeMap<IpNet, Clients>,
    /// How many requests each client made.
    pub(super) clients: BTreeMap<IpAddr, u64>,
    /// How many lines are no requests: what Envoy writes beside its log.
    pub(super) others: u64,
}

impl Log {
    /// Takes in the lines of a log.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn read(&mut self, lines: impl BufRead) -> std::io::Result<()> {
        for line in lines.split(b'\n') {
            let line = line?;
            match serde_json::from_slice::<Line>(&line)
                .ok()
                .and_then(|line| Some((line.client?, line)))
            {
                Some((client, line)) => self.note(client.to_canonical(), line),
                None if line.trim_ascii().is_empty() => {}
                None => self.others = self.others.saturating_add(1),
            }
        }
        Ok(())
    }

    fn note(&mut self, client: IpAddr, line: Line) {
        let count = self.clients.entry(client).or_default();
        *count = count.saturating_add(1);
        let clients = self.networks.entry(around(client)).or_default();
        clients.requests = clients.requests.saturating_add(1);
        let is_read = line.method.as_deref() == Some("GET")
            && line.status.is_some_and(|status| status < 400)
            && line.attempts.is_none_or(|attempts| attempts <= 1);
        if let (true, Some(region), Some(rule), Some(backend), Some(time)) =
            (is_read, line.region, line.rule, line.backend, line.first_byte_ms)
        {
            clients.times.entry((region, rule)).or_default().entry(backend).or_default().push(time);
        }
    }

    /// How many requests came from a network.
    pub(super) fn requests_from(&self, prefix: &IpNet) -> u64 {
        let clients = self.clients.range(prefix.network()..=prefix.broadcast());
        clients.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// The network of a client.
fn around(client: IpAddr) -> IpNet {
    let length = if client.is_ipv4() { V4_LENGTH } else { V6_LENGTH };
    IpNet::new(client, length).map_or_else(|_| client.into(), |network| network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_and_reads_are_timed() {
        let line = |client: &str, rest: &str| {
            format!(
                r#"{{"client":"{client}","region":"eu","rule":"r","backend":"eu","method":"GET","status":200,"attempts":1,"first_byte_ms":12{rest}}}"#
            )
        };
        let text = [
            line("192.0.2.1", ""),
            line("192.0.2.1", r#","status":404"#).replace(r#""status":200,"#, ""),
            line("::ffff:192.0.2.200", "").replace("GET", "PUT"),
            line("192.0.2.9", "").replace(r#""attempts":1"#, r#""attempts":2"#),
            line("192.0.2.9", "").replace("12", "null"),
            line("2001:db8:1:2::1", ""),
            "[2026-11-28 05:18:51.479][27656][info] all dependencies initialized".to_owned(),
            r#"{"client":null}"#.to_owned(),
            String::new(),
        ]
        .join("\n");
        let mut log = Log::default();
        log.read(text.as_bytes()).unwrap();
        assert_eq!(log.others, 2);
        let office: IpNet = "192.0.2.0/24".parse().unwrap();
        let clients = &log.networks[&office];
        assert_eq!(clients.requests, 5);
        assert_eq!(clients.times[&("eu".into(), "r".into())]["eu"], [12]);
        assert!(
            log.networks.contains_key(&"2001:db8:1::/48".parse().unwrap()),
            "{:?}",
            log.networks
        );
        assert_eq!(log.requests_from(&"192.0.2.0/28".parse().unwrap()), 4);
        assert_eq!(log.requests_from(&"192.0.2.0/24".parse().unwrap()), 5);
        assert_eq!(log.requests_from(&"198.51.100.0/24".parse().unwrap()), 0);
    }
}
