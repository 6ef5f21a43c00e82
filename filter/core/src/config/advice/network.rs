//! Mistakes in an address prefix.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::config::advice::text::shown;

/// Why a text is no prefix.
pub(crate) fn why(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.replace('\\', "/");
    if plain != text && plain.parse::<IpNet>().is_ok_and(|prefix| prefix == prefix.trunc()) {
        let what = if text.contains('\\') { "a `\\` for its `/`" } else { "a space in it" };
        return Some(format!("has {what}; write `{plain}`"));
    }
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    if let (Ok(_), Ok(prefix)) = (address.parse::<IpAddr>(), text.parse::<IpNet>()) {
        return Some(format!(
            "has bits behind its length of {}; write `{}`, or `{}` for this address alone",
            prefix.prefix_len(),
            prefix.trunc(),
            prefix.addr()
        ));
    }
    if let Some((first, last)) = text.split_once('-')
        && first.trim().parse::<IpAddr>().is_ok()
        && last.trim().parse::<IpAddr>().is_ok()
    {
        return Some(
            "is a range; write the prefixes that it is made of, such as `10.0.0.0/29`".to_owned(),
        );
    }
    match (address.parse::<IpAddr>(), length) {
        (Ok(address), Some(length)) => Some(bad_length(address, length)),
        (Ok(_), None) => None,
        (Err(_), _) => bad_address(address, length),
    }
}

fn bad_length(address: IpAddr, length: &str) -> String {
    let (most, family) = if address.is_ipv4() { (32, "IPv4") } else { (128, "IPv6") };
    let from_mask = length.parse::<Ipv4Addr>().ok().and_then(|mask| {
        let prefix = ipnet::ipv4_mask_to_prefix(mask).ok()?;
        IpNet::new(address, prefix).ok()
    });
    match from_mask {
        Some(prefix) => format!("has a mask for its length; write `{}`", prefix.trunc()),
        None if length.is_empty() => {
            format!("has no length behind its `/`; write `{address}` for this address alone")
        }
        None => format!(
            "has the length `{}`; the length of an {family} prefix is a number from 0 to {most}",
            shown(length)
        ),
    }
}

fn bad_address(address: &str, length: Option<&str>) -> Option<String> {
    if address.contains('*') {
        return Some("has a `*` in it; write a prefix such as `10.0.0.0/8`".to_owned());
    }
    if let Some(inner) = address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some(format!("has brackets; write `{}`", shown(inner.0)));
    }
    if let Some((inner, zone)) = address.split_once('%')
        && inner.parse::<IpAddr>().is_ok()
    {
        let zone = shown(zone);
        return Some(format!(
            "has a zone (`%{zone}`), which no other machine knows; write `{inner}`"
        ));
    }
    if let Some((host, _)) =
        address.rsplit_once(':').filter(|(host, _)| host.parse::<Ipv4Addr>().is_ok())
    {
        return Some(format!("has a port; write `{host}`"));
    }
    let is_dotted = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if !address.is_empty() && address.bytes().all(is_dotted) {
        return dotted(address, length);
    }
    let is_name = address.bytes().any(|byte| byte.is_ascii_alphabetic()) && !address.contains(':');
    is_name
        .then(|| "is a name; write addresses, because of clients nothing else is known".to_owned())
}

/// Digits and dots that are no IPv4 address.
fn dotted(address: &str, length: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = address.split('.').filter(|part| !part.is_empty()).collect();
    let wrong = parts
        .iter()
        .find(|part| part.parse::<u8>().is_err() || part.len() > 1 && part.starts_with('0'));
    if let Some(part) = wrong {
        return Some(format!(
            "has `{}` in its address; each of the four numbers is from 0 to 255, without a 0 before it",
            shown(part)
        ));
    }
    if parts.len() > 4 {
        return Some("has more than four numbers in its address".to_owned());
    }
    let zeros = std::iter::repeat_n("0", 4_usize.saturating_sub(parts.len()));
    let whole: Vec<&str> = parts.iter().copied().chain(zeros).collect();
    let length = match length.map(str::parse::<u8>) {
        Some(Ok(length)) if length <= 32 => usize::from(length),
        _ => parts.len().saturating_mul(8),
    };
    let prefix: IpNet = format!("{}/{length}", whole.join(".")).parse().ok()?;
    Some(format!(
        "has {} of the four numbers of an address; write `{}`",
        parts.len(),
        prefix.trunc()
    ))
}

/// Why a text is no prefix and no label of one of the trusted proxies.
pub(crate) fn of_proxy(text: &str) -> Option<String> {
    let is_address = text.contains('/')
        || text.contains(['.', ':']) && !text.bytes().any(|byte| byte.is_ascii_lowercase());
    is_address.then(|| why(text)).flatten()
}
