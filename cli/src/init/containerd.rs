//! containerd's `hosts.toml` (docs/hosts.md of containerd), one or a directory of them.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::file::read;
use super::mirrors::{Endpoint, Endpoints, Found};

/// A directory with one for each registry, as `/etc/containerd/certs.d`.
///
/// # Errors
///
/// It cannot be read, or one of the files is no TOML.
pub(super) fn directory(path: &Path) -> Result<Found, String> {
    let own = path.join("hosts.toml");
    if own.is_file() {
        return file(&own);
    }
    let wrong = |error| format!("cannot read {}: {error}", path.display());
    let entries = fs::read_dir(path).map_err(wrong)?;
    let entries = entries.map(|entry| entry.map(|entry| entry.path().join("hosts.toml")));
    let mut files = entries.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    files.retain(|file| file.is_file());
    files.sort();
    let mut all = Found::default();
    for one in files {
        let Found { mirrors, left_out } = file(&one)?;
        all.mirrors.extend(mirrors);
        all.left_out.extend(left_out);
    }
    Ok(all)
}

/// One file; the registry is named by the directory that it is in.
///
/// # Errors
///
/// It cannot be read, or is no TOML.
pub(super) fn file(path: &Path) -> Result<Found, String> {
    let text = read(path)?;
    let wrong = |error: toml::de::Error| {
        format!("{}: {}", path.display(), error.to_string().trim_end().replace('\n', " "))
    };
    let table: Table = text.parse().map_err(wrong)?;
    let directory = path.canonicalize().ok();
    let directory = directory.as_deref().and_then(Path::parent).and_then(Path::file_name);
    Ok(of_table(directory.and_then(|name| name.to_str()), &table))
}

fn of_table(directory: Option<&str>, table: &Table) -> Found {
    let mut found = Found::default();
    let server = table.get("server").and_then(Value::as_str);
    let Some(registry) = directory.and_then(named_by).or_else(|| server.and_then(host_of)) else {
        let why = "the mirrors of `_default` are left out: a front stands for registries by name";
        found.left_out.push(why.to_owned());
        return found;
    };
    let hosts = table.get("host").and_then(Value::as_table);
    let mut endpoints = Vec::new();
    for (url, host) in hosts.into_iter().flatten() {
        let capabilities = host.get("capabilities").and_then(Value::as_array);
        let pulls =
            capabilities.is_none_or(|all| all.iter().any(|one| one.as_str() == Some("pull")));
        if !pulls {
            continue;
        }
        let mut endpoint = Endpoint::of(url);
        endpoint.ca_file = host.get("ca").and_then(first_text);
        endpoints.push(endpoint);
        if host.get("skip_verify").and_then(Value::as_bool) == Some(true) {
            found.left_out.push(format!(
                "the certificate of {url} is not verified there; here it is: write `tls: {{ca_file: FILE}}`"
            ));
        }
        for (field, what) in [
            ("client", "`tls: {certificate_file: …, key_file: …}`"),
            ("header", "what docs/credentials.md says"),
        ] {
            if host.get(field).is_some() {
                found.left_out.push(format!("`{field}` of {url} is left out; write {what}"));
            }
        }
    }
    // The registry itself is asked last, at the URL that `server` says.
    if let Some(server) = server.filter(|_| !endpoints.is_empty()) {
        let server = Endpoint::of(server);
        if !endpoints.iter().any(|endpoint| endpoint.url == server.url) {
            endpoints.push(server);
        }
    }
    found.mirrors.push(Endpoints { registry, endpoints });
    found
}

fn first_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.first().and_then(first_text),
        _ => None,
    }
}

/// The registry of a directory's name: `docker.io`, `registry.example:5000`, or
/// `registry.example_5000_`.
fn named_by(directory: &str) -> Option<String> {
    let name = directory.strip_suffix('_').and_then(|rest| rest.rsplit_once('_'));
    let name = name.map_or_else(|| directory.to_owned(), |(host, port)| format!("{host}:{port}"));
    (name.contains(['.', ':']) && !name.starts_with('.')).then_some(name)
}

fn host_of(url: &str) -> Option<String> {
    let rest = url.split("://").nth(1)?;
    let host = rest.split('/').next()?;
    Some(if host == "registry-1.docker.io" { "docker.io".to_owned() } else { host.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_documentation() {
        let text = r#"
server = "https://registry-1.docker.io"
[host."https://b.example/v2/hub"]
  capabilities = ["pull", "resolve"]
  ca = "/b.pem"
  override_path = true
[host."https://a.example:5000"]
  capabilities = ["pull"]
  skip_verify = true
  client = [["/c.pem", "/c.key"]]
[host."https://push.example"]
  capabilities = ["push"]
"#;
        let found = of_table(Some("docker.io"), &text.parse().unwrap());
        let urls: Vec<(&str, &str, Option<&str>)> = found.mirrors[0]
            .endpoints
            .iter()
            .map(|one| (one.url.as_str(), one.prefix.as_str(), one.ca_file.as_deref()))
            .collect();
        assert_eq!(
            urls,
            [
                ("https://b.example", "hub/", Some("/b.pem")),
                ("https://a.example:5000", "", None),
                ("https://registry-1.docker.io", "", None),
            ],
            "in the order of the file"
        );
        assert_eq!(found.left_out.len(), 2, "{:?}", found.left_out);
    }

    #[test]
    fn the_registry_of_a_hosts_toml_file() {
        let rows = [
            (Some("docker.io"), Some("docker.io")),
            (Some("r.example_5000_"), Some("r.example:5000")),
            (Some("r.example:5000"), Some("r.example:5000")),
            (Some("_default"), None),
            (Some("tmp"), None),
        ];
        for (directory, expected) in rows {
            let table = "[host.\"https://a.example\"]".parse().unwrap();
            let found = of_table(directory, &table);
            let registry = found.mirrors.first().map(|mirror| mirror.registry.as_str());
            assert_eq!(registry, expected, "{directory:?}");
        }
        let table = "server = \"https://registry-1.docker.io\"\n[host.\"https://a.example\"]"
            .parse()
            .unwrap();
        assert_eq!(of_table(Some("tmp"), &table).mirrors[0].registry, "docker.io");
    }
}
