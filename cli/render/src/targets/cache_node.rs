//! `--target cache-node`: what makes an Apache Traffic Server a node of a cache.
//!
//! One directory for each node. The key of what is kept is kind and digest, taken from the path:
//! every repository and every registry shares one copy, and a blob is never served as the manifest
//! with the same digest. What is no content by digest is refused. What a node counts and holds is
//! shown to operators alone ([`access`]), and nobody else has it forget anything. A node shows what
//! fills it no credential; it keeps whole answers of 200, for ever, and checks what it reads from
//! its disk.

mod access;
mod tls;

use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;

use ipnet::IpNet;
use portolan_command::replace::replace;
use portolan_core::config::{BackendUrl, Cache, CacheTls};
use portolan_core::contract::headers;

use crate::cache::HOST;
use crate::error::RenderError;
use crate::fill_url::FillUrl;
use crate::node_error::NodeError;
pub use access::{LISTING, STATISTICS};

/// Where Debian's package looks for its files.
const HOME: &str = "/etc/trafficserver";

/// Who is about a node, and where its files are.
#[derive(Debug)]
pub struct NodeSite<'s> {
    /// Where it asks to be filled.
    pub fill: &'s FillUrl,
    /// Who may look at it and have it forget content, besides its own machine.
    pub operators: &'s [IpNet],
    /// The directory that it reads its files from.
    pub home: &'s str,
}

impl<'s> NodeSite<'s> {
    /// The same for a server that Debian's package starts.
    pub(crate) const fn of_debian(fill: &'s FillUrl, operators: &'s [IpNet]) -> Self {
        Self { fill, operators, home: HOME }
    }
}

/// The files of a node: names and texts.
pub type NodeFiles = Vec<(&'static str, String)>;

/// Writes the files of every node, `DIRECTORY/CACHE-NUMBER/…`, the first node of a cache being
/// number 1.
///
/// # Errors
///
/// A policy without caches, or a file that cannot be written.
pub(crate) fn write(
    caches: &[Cache],
    site: &NodeSite<'_>,
    directory: &Path,
) -> Result<(), RenderError> {
    if caches.is_empty() {
        return Err(NodeError::NoNodes.into());
    }
    for (name, url, cache) in nodes(caches) {
        let place = directory.join(&name);
        fs::create_dir_all(&place)
            .map_err(|source| RenderError::Output { path: place.clone(), source })?;
        for (file, text) in (Node { name: &name, url, tls: cache.tls(), site }).files()? {
            let path = place.join(file);
            replace(&path, text.as_bytes())
                .map_err(|source| RenderError::Output { path, source })?;
        }
    }
    Ok(())
}

/// The files of the node with this name.
///
/// # Errors
///
/// There is none with it.
pub fn of_node(
    caches: &[Cache],
    name: &str,
    site: &NodeSite<'_>,
) -> Result<NodeFiles, RenderError> {
    match nodes(caches).find(|(known, ..)| known == name) {
        Some((_, url, cache)) => Node { name, url, tls: cache.tls(), site }.files(),
        None if caches.is_empty() => Err(NodeError::NoNodes.into()),
        None => Err(NodeError::NoSuchNode {
            name: name.to_owned(),
            known: nodes(caches).map(|(known, ..)| known).collect(),
        }
        .into()),
    }
}

fn nodes(caches: &[Cache]) -> impl Iterator<Item = (String, &BackendUrl, &Cache)> {
    caches.iter().flat_map(of_cache)
}

fn of_cache(cache: &Cache) -> impl Iterator<Item = (String, &BackendUrl, &Cache)> {
    cache.node_names().zip(cache.nodes()).map(move |(name, url)| (name, url, cache))
}

/// What the files of a node are made of.
struct Node<'n> {
    name: &'n str,
    /// Where Envoys ask it.
    url: &'n BackendUrl,
    /// What it shows Envoys, and they it.
    tls: Option<&'n CacheTls>,
    site: &'n NodeSite<'n>,
}

impl Node<'_> {
    fn files(&self) -> Result<NodeFiles, RenderError> {
        let fill = self.site.fill.whole(self.tls.is_some())?;
        let operators = access::operators(self.site.operators);
        let home = self.site.home;
        let schemes: &[&str] = if self.tls.is_some() { &["http", "https"] } else { &["http"] };
        let rules = schemes
            .iter()
            .flat_map(|scheme| [self.remap(scheme, &fill), access::listing(scheme, &operators)]);
        let mut files = vec![
            ("records.config", self.records()),
            ("remap.config", rules.collect()),
            ("portolan.conf", rewrites(self.name)),
            ("ip_allow.yaml", access::ip_allow(&operators)),
            ("plugin.config", plugins(home)),
            ("portolan-checks.conf", format!("/v2/ {home}/portolan-well text/plain 200 404\n")),
            ("portolan-well", "ok\n".to_owned()),
            ("portolan-statistics.conf", access::statistics(&operators)),
            (
                "storage.config",
                "# Where content is kept, and how much: a directory and a size, or a raw device.\n\
                 /var/cache/trafficserver 10G\n"
                    .to_owned(),
            ),
        ];
        files.extend(self.tls.map(|tls| (tls::CERTIFICATES, tls::certificates(tls))));
        Ok(files)
    }

    fn records(&self) -> String {
        let is_address = self.site.fill.is_address();
        let of_tls = self.tls.map(|tls| tls::records(tls, is_address)).unwrap_or_default();
        records(&self.port()) + &of_tls
    }

    /// The port that it listens at, in the server's words: without `ipv6` it takes no connection of
    /// that.
    fn port(&self) -> String {
        let port = self.url.port();
        let is_six = self.url.host().parse::<Ipv6Addr>().is_ok();
        let family = if is_six { ":ipv6" } else { "" };
        match self.tls {
            None => format!("{port}{family}"),
            Some(_) => tls::ports(port, family),
        }
    }

    fn remap(&self, scheme: &str, fill: &str) -> String {
        format!(
            "map {scheme}://{HOST}/v2/ {fill}/v2/ @plugin=cachekey.so @pparam=--static-prefix=oci \
             @pparam=--remove-all-params=true \
             @pparam=--capture-path=/.*\\/((?:blobs|manifests)\\/sha256:[0-9a-f]{{64}})$/$1/ \
             @plugin=header_rewrite.so @pparam={}/portolan.conf @plugin=background_fetch.so\n",
            self.site.home
        )
    }
}

fn plugins(home: &str) -> String {
    format!(
        "healthchecks.so {home}/portolan-checks.conf\nstats_over_http.so {home}/portolan-statistics.conf\n"
    )
}

/// What becomes of headers, and of what is no content by digest.
fn rewrites(name: &str) -> String {
    let says_its_name = headers::CACHE_NODE;
    format!(
        "cond %{{REMAP_PSEUDO_HOOK}}\nrm-header Authorization\nrm-header Cookie\nset-header {says_its_name} {name}\n{REWRITES}"
    )
}

/// Content is for the one who asked: who may read it is decided for each request.
///
/// A client that is sent what is being fetched for another one is known by what the server says of
/// its way (`W` behind `c`: the cache result is "read while write"), which goes no further.
const REWRITES: &str = r#"

cond %{REMAP_PSEUDO_HOOK} [AND]
cond %{CLIENT-URL:PATH} /\/(blobs|manifests)\/sha256:[0-9a-f]{64}$/ [NOT]
set-status 404

cond %{SEND_RESPONSE_HDR_HOOK}
set-header X-Portolan-Cache miss

cond %{SEND_RESPONSE_HDR_HOOK} [AND]
cond %{CACHE} =hit-fresh
set-header X-Portolan-Cache hit

cond %{SEND_RESPONSE_HDR_HOOK} [AND]
cond %{HEADER:Via} /cW/
set-header X-Portolan-Cache coalesced

cond %{SEND_RESPONSE_HDR_HOOK}
rm-header Via

cond %{SEND_RESPONSE_HDR_HOOK} [AND]
cond %{HEADER:ETag} /sha256/
set-header Cache-Control "private, max-age=31536000, immutable"
"#;

fn records(port: &str) -> String {
    let number = |(name, value): &(&str, u64)| format!("CONFIG proxy.config.{name} INT {value}\n");
    let numbers: String = RECORDS.iter().map(number).collect();
    format!(
        "# A node of a cache, made by `portolan render --target cache-node`.\n\
         CONFIG proxy.config.http.server_ports STRING {port}\n\
         {numbers}\
         CONFIG proxy.config.http.background_fill_completed_threshold FLOAT 0.0\n"
    )
}

const A_YEAR: u64 = 31_536_000;

/// What differs from the server's defaults. `min_average_object_size` does not: with a larger one
/// the directory of the store overflows.
const RECORDS: [(&str, u64); 34] = [
    ("url_remap.remap_required", 1),
    ("url_remap.pristine_host_hdr", 0),
    ("reverse_proxy.enabled", 1),
    // Another try would ask every registry once more.
    ("http.connect_attempts_max_retries", 0),
    // Content by digest may be kept whatever its registry says of caches.
    ("http.cache.required_headers", 0),
    ("http.cache.ignore_server_no_cache", 1),
    ("http.cache.ignore_client_no_cache", 1),
    ("http.cache.ignore_authentication", 1),
    // The page that says what is held.
    ("http_ui_enabled", 1),
    // It never changes.
    ("http.cache.when_to_revalidate", 3),
    ("http.cache.heuristic_min_lifetime", A_YEAR),
    ("http.cache.heuristic_max_lifetime", A_YEAR),
    ("http.cache.guaranteed_min_lifetime", A_YEAR),
    ("http.cache.max_stale_age", A_YEAR),
    ("http.negative_caching_enabled", 0),
    ("cache.limits.http.max_alts", 1),
    // Whoever wants what is being filled streams along: looks for its first byte every 20 ms, up to
    // five seconds.
    ("cache.enable_read_while_writer", 1),
    ("cache.read_while_writer.max_retries", 125),
    ("cache.read_while_writer_retry.delay", 20),
    ("http.cache.max_open_read_retries", 250),
    ("http.cache.open_read_retry_time", 20),
    // Of two that find nothing at the same moment one begins to fetch; the other looks again, and
    // does not fetch as well.
    ("http.cache.open_write_fail_action", 5),
    // Whoever comes before the store is there would be sent to what fills the node, and nothing
    // would be kept.
    ("http.wait_for_cache", 1),
    ("http.background_fill_active_timeout", 3600),
    // A bit that flips on the disk is noticed.
    ("cache.enable_checksum", 1),
    ("cache.dir.sync_frequency", 10),
    // Each fragment is one read of the disk, with two turns of threads: larger ones make hits
    // cheaper. A client that stands still holds one of them in memory.
    ("cache.target_fragment_size", 524_288),
    // What is asked for again is kept longer.
    ("cache.hit_evacuate_percent", 10),
    ("http.insert_age_in_response", 0),
    // What it says of its way, which `portolan.conf` reads and takes out.
    ("http.insert_response_via_str", 3),
    // No registry is told who asked a node.
    ("http.insert_request_via_str", 0),
    ("http.insert_squid_x_forwarded_for", 0),
    ("http.insert_client_ip", 0),
    // Ten threads wake that often while there is nothing to do; in milliseconds.
    ("net.poll_timeout", 60),
];

#[cfg(test)]
mod tests {
    use portolan_core::config::Config;

    use super::*;

    fn text(nodes: &str, name: &str, file: &str) -> Result<String, String> {
        let tls = if nodes.contains("https") {
            r#", "tls": {"ca_file": "/t/ca", "certificate_file": "/t/crt", "key_file": "/t/key"}"#
        } else {
            ""
        };
        let policy = format!(
            r#"{{"version": 1, "fronts": {{"m": {{"hosts": ["r.example"]}}}},
            "backends": {{"a": {{"url": "https://a.example"}}}},
            "caches": {{"eu": {{"nodes": [{nodes}], "fill_from": ["10.0.0.0/8"]{tls}}}}},
            "regions": {{"default": {{}}}},
            "rules": [{{"name": "a", "repositories": ["**"], "readers": "anyone", "chains": {{"default": ["cache@eu", "a"]}}}}]}}"#
        );
        let config = Config::from_json(policy.as_bytes()).unwrap();
        let listener = FillUrl::of("10.0.0.5:8081".parse().unwrap()).unwrap();
        let site = NodeSite { fill: &listener, operators: &[], home: "/run/x" };
        let files = of_node(config.caches(), name, &site).map_err(|error| error.to_string())?;
        Ok(files.into_iter().find(|(known, _)| *known == file).unwrap().1)
    }

    #[test]
    fn a_node_listens_at_its_port_and_asks_what_fills_it() {
        let nodes =
            r#""http://10.0.0.7:8300", "http://[2001:db8::7]:8301", "http://eu-3.example:8302""#;
        let of = |name: &str, file: &str| text(nodes, name, file).unwrap();
        for (name, expected) in [("eu-1", "8300"), ("eu-2", "8301:ipv6"), ("eu-3", "8302")] {
            let line = format!("server_ports STRING {expected}\n");
            assert!(of(name, "records.config").contains(&line), "{name}");
        }
        let rules = of("eu-1", "remap.config");
        assert!(
            rules.starts_with("map http://cache.internal/v2/ http://10.0.0.5:8081/v2/ "),
            "{rules}"
        );
        assert!(rules.contains("sha256:[0-9a-f]{64})$/$1/"), "{rules}");
        assert!(rules.contains("@pparam=/run/x/portolan.conf "), "{rules}");
        assert_eq!(rules.lines().count(), 2);
        assert!(of("eu-2", "portolan.conf").contains("set-header portolan-cache-node eu-2\n"));
        let settings = of("eu-1", "records.config");
        for setting in ["negative_caching_enabled INT 0", "enable_checksum INT 1"] {
            assert!(settings.contains(setting), "{setting}");
        }
        assert!(!settings.contains("min_average_object_size"));
    }

    #[test]
    fn a_name_that_no_node_has_is_refused_with_those_that_there_are() {
        let said =
            text(r#""http://10.0.0.7:8300", "http://10.0.0.8:8300""#, "eu-0", "").unwrap_err();
        assert_eq!(said, "the policy has no node `eu-0`; its nodes are `eu-1`, `eu-2`");
    }

    #[test]
    fn a_node_with_tls_asks_and_is_asked_with_certificates() {
        let of = |name: &str, file: &str| {
            text(r#""https://10.0.0.7:8300", "https://[2001:db8::7]:8300""#, name, file).unwrap()
        };
        let records = of("eu-1", "records.config");
        for line in [
            "server_ports STRING 8300:ssl:proto=http 8301:ip-in=127.0.0.1\n",
            "ssl.client.certification_level INT 2\n",
            "ssl.CA.cert.filename STRING /t/ca\n",
            "ssl.client.cert.filename STRING /t/crt\n",
            "ssl.client.verify.server.policy STRING ENFORCED\n",
            "ssl.client.verify.server.properties STRING SIGNATURE\n",
        ] {
            assert!(records.contains(line), "{line}{records}");
        }
        assert!(of("eu-2", "records.config").contains(" 8300:ipv6:ssl:proto=http 8301:"));
        assert_eq!(
            of("eu-1", "ssl_multicert.config"),
            "dest_ip=* ssl_cert_name=/t/crt ssl_key_name=/t/key\n"
        );
        let remap = of("eu-1", "remap.config");
        assert!(
            remap.contains("map https://cache.internal/v2/ https://10.0.0.5:8081/v2/ "),
            "{remap}"
        );
        assert!(!remap.contains(" http://10.0.0.5"), "{remap}");
    }
}
