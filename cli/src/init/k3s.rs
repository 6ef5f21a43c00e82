//! The `registries.yaml` of k3s and RKE2 (docs.k3s.io, "Private Registry Configuration").

use std::path::Path;

use portolan_command::policy_file::{read_document, view};
use portolan_core::config::Document;

use super::mirrors::{Endpoint, Endpoints, Found};

/// Reads it.
///
/// # Errors
///
/// It cannot be read, or is no YAML.
pub(super) fn file(path: &Path) -> Result<Found, String> {
    let document = read_document(path)
        .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Ok(of_document(&document))
}

fn of_document(document: &Document) -> Found {
    let mut found = Found::default();
    let configs = view::field(document, "configs");
    for (registry, mirror) in view::mapping(view::field(document, "mirrors")) {
        if registry == "*" {
            found.left_out.push(
                "the mirror of `*` is left out: a front stands for registries by name".to_owned(),
            );
            continue;
        }
        let urls = view::texts(view::field(mirror, "endpoint"));
        let mut endpoints: Vec<Endpoint> = urls.map(|url| endpoint(url, configs)).collect();
        for (pattern, replaced) in view::mapping(view::field(mirror, "rewrite")) {
            match view::text(replaced).and_then(|text| prefix(pattern, text)) {
                Some(prefix) => {
                    for one in &mut endpoints {
                        one.prefix = format!("{}{prefix}", one.prefix);
                    }
                }
                None => found.left_out.push(format!(
                    "the rewrite `{pattern}` of {registry} is left out; `names` of a backend replaces whole beginnings of names"
                )),
            }
        }
        found.mirrors.push(Endpoints { registry: registry.clone(), endpoints });
    }
    found
        .left_out
        .extend(view::mapping(configs).iter().flat_map(|(host, config)| of_config(host, config)));
    found
}

fn endpoint(url: &str, configs: Option<&Document>) -> Endpoint {
    let mut endpoint = Endpoint::of(url);
    let authority = endpoint.url.split("://").nth(1).unwrap_or_default();
    let authority = authority.split('/').next().unwrap_or_default().to_owned();
    let config = configs.and_then(|all| view::field(all, &authority));
    let tls = config.and_then(|config| view::field(config, "tls"));
    endpoint.ca_file =
        tls.and_then(|tls| view::field(tls, "ca_file")).and_then(view::text).map(str::to_owned);
    endpoint
}

/// `^(.*)$` and `prefix/$1`: every name gets a beginning.
fn prefix(pattern: &str, replaced: &str) -> Option<String> {
    let is_all = matches!(pattern, "^(.*)$" | "^(.*)" | "(.*)" | "^(.+)$");
    let prefix = replaced.strip_suffix("$1").filter(|prefix| prefix.ends_with('/'));
    prefix.filter(|prefix| is_all && !prefix.contains('$')).map(str::to_owned)
}

/// What a person has to do about passwords and certificates.
fn of_config(host: &str, config: &Document) -> Vec<String> {
    let mut lines = Vec::new();
    if view::field(config, "auth").is_some() {
        lines.push(format!(
            "{host} has a password there; `portolan credential write` and docs/credentials.md say how the proxy gets it"
        ));
    }
    let tls = view::field(config, "tls");
    let has = |name| tls.is_some_and(|tls| view::field(tls, name).is_some());
    if has("insecure_skip_verify") {
        lines.push(format!(
            "{host}'s certificate is not verified there; here it is: write `tls: {{ca_file: FILE}}`"
        ));
    }
    if has("cert_file") {
        lines.push(format!(
            "{host} is shown a certificate there; write `tls: {{certificate_file: …, key_file: …}}`"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_registries_yaml_that_are_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registries.yaml");
        let text = "\
mirrors:
  docker.io:
    endpoint: [\"https://m.example\", \"https://n.example:5000/v2/hub\"]
    rewrite: {\"^(.*)$\": \"all/$1\"}
  ghcr.io:
    endpoint: [\"https://m.example\"]
    rewrite: {\"^a/(.*)\": \"b/$1\"}
  \"*\": {endpoint: [\"https://m.example\"]}
configs:
  m.example: {auth: {username: u, password: p}, tls: {ca_file: /m.pem, insecure_skip_verify: true}}
";
        std::fs::write(&path, text).unwrap();
        let found = file(&path).unwrap();
        let of = |url: &str, prefix: &str, ca: Option<&str>| Endpoint {
            url: url.to_owned(),
            prefix: prefix.to_owned(),
            ca_file: ca.map(str::to_owned),
        };
        let ca = Some("/m.pem");
        assert_eq!(
            found.mirrors[0].endpoints,
            [of("https://m.example", "all/", ca), of("https://n.example:5000", "hub/all/", None)]
        );
        assert_eq!(found.mirrors[1].endpoints, [of("https://m.example", "", ca)]);
        let starts = [
            "the rewrite `^a/(.*)`",
            "the mirror of `*`",
            "m.example has a password",
            "m.example's certificate",
        ];
        assert_eq!(found.left_out.len(), starts.len());
        for (line, start) in found.left_out.iter().zip(starts) {
            assert!(line.starts_with(start), "{line}");
        }
        assert!(!format!("{found:?}").contains("password: p"));
    }
}
