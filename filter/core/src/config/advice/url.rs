//! Mistakes in a URL.

use crate::config::advice::host;
use crate::config::advice::text::shown;
use crate::config::backend_url::BackendUrl;
use crate::config::wanted::Wanted;

/// What to write where a backend URL is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "a URL such as `https://ghcr.io`, `https://registry.example.com:5000` or \
     `https://example.com/mirror`: scheme `http` or `https`, no credentials, query or fragment",
    why,
);

/// Why a text is no URL of a backend, a token service or a page.
pub(crate) fn why(text: &str) -> Option<String> {
    let Some((scheme, rest)) = text.split_once("://") else { return Some(without_scheme(text)) };
    if !matches!(scheme, "http" | "https") {
        return Some(other_scheme(scheme, rest));
    }
    if rest.starts_with("http://") || rest.starts_with("https://") {
        return Some(format!("has two schemes; write `{}`", shown(rest)));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at_checked(end)?;
    if authority.is_empty() {
        return Some("has no host; write `https://` and the registry's host behind it".to_owned());
    }
    host::of_url(authority).or_else(|| behind_host(behind))
}

/// Why a text is no template of a blob store's URL.
pub(crate) fn of_blobs(text: &str) -> Option<String> {
    let Some((scheme, rest)) = text.split_once("://") else { return Some(without_scheme(text)) };
    let authority = rest.split('/').next().unwrap_or_default();
    if let Some(reason) = why(&format!("{scheme}://{authority}")) {
        return Some(reason);
    }
    let path = rest.get(authority.len()..).unwrap_or_default();
    if path.contains(['?', '#']) {
        return behind_host(path);
    }
    if !path.contains("{digest}") && !path.contains("{encoded}") {
        let path = text.trim_end_matches('/');
        return Some(format!("has no place for the digest; write `{}/{{digest}}`", shown(path)));
    }
    let mut places = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let known = ["digest", "algorithm", "encoded", "shard"];
    let (name, _) = places.find(|(name, _)| !known.contains(name))?;
    Some(format!(
        "has a place `{{{}}}` in it; the places are `{{digest}}`, `{{algorithm}}`, `{{encoded}}` and `{{shard}}`",
        shown(name)
    ))
}

fn without_scheme(text: &str) -> String {
    for (scheme, starts) in
        [("https", ["https:/", "https:", "https//"]), ("http", ["http:/", "http:", "http//"])]
    {
        let rest = starts.iter().find_map(|start| text.strip_prefix(start));
        if let Some(rest) = rest {
            let rest = rest.trim_start_matches('/');
            return format!(
                "has a scheme that does not end in `://`; write `{scheme}://{}`",
                shown(rest)
            );
        }
    }
    let rest = text.trim_start_matches('/');
    if rest.is_empty() || rest.starts_with('.') {
        return "is no URL; write one such as `https://ghcr.io`".to_owned();
    }
    if BackendUrl::parse(&format!("https://{rest}")).is_some() {
        let shown = shown(rest);
        return format!(
            "has no scheme; write `https://{shown}`, or `http://{shown}` where it speaks plain HTTP"
        );
    }
    match host::of_url(rest.split('/').next().unwrap_or_default()) {
        Some(reason) => format!("has no scheme (`https://`), and {reason}"),
        None => "has no scheme; write `https://` before it".to_owned(),
    }
}

fn other_scheme(scheme: &str, rest: &str) -> String {
    let lower = scheme.to_ascii_lowercase();
    if matches!(lower.as_str(), "http" | "https") {
        return format!("has its scheme in capitals; write `{lower}://{}`", shown(rest));
    }
    format!(
        "has the scheme `{}`; registries are reached by `https` or `http`: write `https://{}`",
        shown(scheme),
        shown(rest)
    )
}

/// What may not stand behind the host.
fn behind_host(behind: &str) -> Option<String> {
    let first = behind.find(['?', '#']).and_then(|at| behind.get(at..));
    match first.map(|rest| rest.starts_with('?')) {
        Some(true) => return Some("has a query (`?…`) at its end; leave it out".to_owned()),
        Some(false) => {
            return Some(
                "has a fragment (`#…`) at its end; leave it out, or write a space before \
                 the `#` of a comment"
                    .to_owned(),
            );
        }
        None => {}
    }
    let path = behind.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let segment = path.split('/').find(|segment| !is_plain(segment))?;
    Some(match segment {
        "" => "has two slashes in a row in its path; write one".to_owned(),
        "." | ".." => format!("has `{segment}` in its path; write the path without it"),
        _ => format!(
            "has `{}` in its path; letters, digits, `-`, `.`, `_` and `~` may stand there",
            shown(segment)
        ),
    })
}

fn is_plain(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
}
