//! Where the other end of iperf3 runs.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The port of an iperf3 server that was told nothing else (iperf3(1), `--port`).
const DEFAULT_PORT: u16 = 5201;

/// `HOST[:PORT]`; an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    host: String,
    port: u16,
}

impl Server {
    /// The host, an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text).ok_or_else(|| {
            "write a host and perhaps a port, such as `registry.example.com`, `192.0.2.1:5201` or \
             `[2001:db8::1]:5201`"
                .to_owned()
        })
    }
}

fn read(text: &str) -> Option<Server> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => {
            (host, port.parse().ok().filter(|port| *port > 0)?)
        }
        _ => (text, DEFAULT_PORT),
    };
    let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(|_| address)?,
        None => is_host(host).then_some(host)?,
    };
    Some(Server { host: host.to_owned(), port })
}

/// A name or an IPv4 address. What begins with a dash would be an option to iperf3.
fn is_host(text: &str) -> bool {
    let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(is_byte)
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(out, "[{host}]:{port}")
        } else {
            write!(out, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        let rows = [
            ("iperf.example.com", Some("iperf.example.com:5201"), "the usual port"),
            ("192.0.2.1:5202", Some("192.0.2.1:5202"), "another one"),
            ("[2001:db8::1]", Some("[2001:db8::1]:5201"), "IPv6"),
            ("[2001:db8::1]:5202", Some("[2001:db8::1]:5202"), "IPv6 and a port"),
            ("2001:db8::1", None, "IPv6 without brackets: where would the port begin?"),
            ("", None, "nothing"),
            (":5201", None, "no host"),
            ("a.example:0", None, "no port"),
            ("a.example:65536", None, "no port"),
            ("--logfile=x", None, "an option"),
            ("a b", None, "a space"),
            ("[a.example]", None, "a name in brackets"),
        ];
        for (text, wanted, reason) in rows {
            let found = text.parse::<Server>().ok().map(|server| server.to_string());
            assert_eq!(found.as_deref(), wanted, "{text}: {reason}");
        }
    }
}
