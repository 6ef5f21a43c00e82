//! Mistakes in a host and its port.

use std::net::Ipv6Addr;

use crate::config::advice::text::shown;
use crate::config::backend_url::{is_host_name, parse_port};

/// Why a text is no host of a front.
pub(crate) fn why(text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return Some(format!("is a URL; write its host: `{}`", shown(host)));
    }
    if let Some((host, _)) = text.split_once('/') {
        return Some(match host {
            "" => "is a path; write a host such as `registry.example.com`".to_owned(),
            host => format!("has a path behind its host; write `{}`", shown(host)),
        });
    }
    if text.contains('*') {
        return Some(
            "has a `*` in it; each host is written by itself, and a front with `default: true` has \
             all others"
                .to_owned(),
        );
    }
    authority(text)
}

/// Why a text is no host that redirects are followed to.
pub(crate) fn of_redirects(text: &str) -> Option<String> {
    let Some(suffix) = text.strip_prefix("*.") else {
        return if text.contains('*') && !text.contains('/') {
            Some(
                "has a `*` inside; it may stand for the first names alone: `*.example.com`"
                    .to_owned(),
            )
        } else {
            why(text)
        };
    };
    if !suffix.contains('.') {
        return Some(format!(
            "means every host below `{}`, which is anybody; write at least two names behind `*.`",
            shown(suffix)
        ));
    }
    why(suffix)
}

/// Why `host[:port]` of a URL is none.
pub(super) fn of_url(text: &str) -> Option<String> {
    if text.contains('*') {
        return Some("has a `*` in its host; write one host".to_owned());
    }
    authority(text)
}

fn authority(text: &str) -> Option<String> {
    if text.contains(char::is_whitespace) {
        return Some("has a space in its host; write it without, and one host an item".to_owned());
    }
    if let Some(rest) = text.strip_prefix('[') {
        return in_brackets(rest);
    }
    if text.matches(':').count() > 1 {
        return Some(ipv6_without_brackets(text));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    port.and_then(bad_port).or_else(|| bad_name(host))
}

fn in_brackets(rest: &str) -> Option<String> {
    let Some((address, behind)) = rest.split_once(']') else {
        return Some("has a `[` without its `]`".to_owned());
    };
    if address.parse::<Ipv6Addr>().is_err() {
        return Some(format!(
            "has `{}` in brackets, which is no IPv6 address; write one such as `[2001:db8::1]`",
            shown(address)
        ));
    }
    match behind.strip_prefix(':') {
        Some(port) => bad_port(port),
        None if behind.is_empty() => None,
        None => {
            Some("has something behind its `]` that is no port; write `:` before a port".to_owned())
        }
    }
}

fn ipv6_without_brackets(text: &str) -> String {
    let parted = text.rsplit_once(':');
    let parted = parted.filter(|(address, port)| {
        address.parse::<Ipv6Addr>().is_ok() && parse_port(port).is_some()
    });
    match (parted, text.parse::<Ipv6Addr>()) {
        (Some((address, port)), Ok(_)) => format!(
            "has an IPv6 address without brackets; write `[{address}]:{port}` if the last is a port, else `[{text}]`"
        ),
        (Some((address, port)), Err(_)) => {
            format!("has an IPv6 address without brackets; write `[{address}]:{port}`")
        }
        (None, Ok(_)) => format!("has an IPv6 address without brackets; write `[{text}]`"),
        (None, Err(_)) => {
            "has more than one colon, and is no IPv6 address; write a host, a colon and a port"
                .to_owned()
        }
    }
}

fn bad_port(port: &str) -> Option<String> {
    if parse_port(port).is_some() {
        return None;
    }
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    Some(if port.is_empty() {
        "has a colon and no port behind it; write the port, or no colon".to_owned()
    } else if is_number {
        format!("has the port {}; ports go from 1 to 65535", shown(port))
    } else {
        format!("has `{}` for its port; a port is a number from 1 to 65535", shown(port))
    })
}

fn bad_name(host: &str) -> Option<String> {
    if is_host_name(host) {
        return None;
    }
    if host.is_empty() {
        return Some("has no host; write one such as `registry.example.com`".to_owned());
    }
    if !host.is_ascii() {
        return Some(
            "has letters that are not ASCII in its host; write the form with `xn--`".to_owned(),
        );
    }
    if let Some(name) = host.strip_suffix('.').filter(|name| is_host_name(name)) {
        return Some(format!("has a dot at the end of its host; write `{}`", shown(name)));
    }
    let label = host.split('.').find(|label| !is_host_name(label))?;
    Some(match label {
        "" => "has a dot too many in its host".to_owned(),
        _ if label.len() > 63 => "has a part of more than 63 letters in its host".to_owned(),
        _ if label.starts_with('-') || label.ends_with('-') => {
            format!("has the part `{}` in its host; none begins or ends with `-`", shown(label))
        }
        _ => format!("has `{}` in its host; letters, digits and `-` may stand there", shown(label)),
    })
}
