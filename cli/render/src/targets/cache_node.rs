//! `--target cache-node`: what makes an Apache Traffic Server a node of a cache.
//!
//! One directory for each node. The key of what is kept is kind and digest, taken from the path: every repository and
//! every registry shares one copy, and a blob is never served as the manifest with the same digest. What is no content
//! by digest is refused. What a node counts and holds is shown to operators alone ([`access`]), and nobody else has it
//! forget anything. A node shows what fills it no credential; it keeps whole answers of 200, for ever, and checks
//! what it reads from its disk.

mod access;

use std::fs;
use std::path::Path;

use ipnet::IpNet;
use portolan_command::replace::replace;
use portolan_core::config::{BackendUrl, Cache};
use portolan_core::contract::headers;

use crate::cache::HOST;
use crate::error::RenderError;
use crate::model::caches::Caches;
pub use access::{LISTING, STATISTICS};

/// Where Debian's package looks for its files.
const HOME: &str = "/etc/trafficserver";

/// Writes the files of every node, `DIRECTORY/CACHE-NUMBER/…`, the first node of a cache being number 1.
///
/// # Errors
///
/// A policy without caches, an address that no node can ask at, or a file that cannot be written.
pub(crate) fn write(
    caches: &Caches<'_>,
    operators: &[IpNet],
    directory: &Path,
) -> Result<(), RenderError> {
    let operators = access::operators(operators);
    let filled_at = caches.filled_at.ok_or(RenderError::NoNodes)?;
    if filled_at.ip().is_unspecified() {
        return Err(RenderError::UnspecifiedFill);
    }
    for (name, url) in caches.all.iter().flat_map(|(cache, _)| nodes(cache)) {
        let place = directory.join(&name);
        fs::create_dir_all(&place)
            .map_err(|source| RenderError::Output { path: place.clone(), source })?;
        let node =
            NodeFiles { name: &name, port: url.port(), fill: &format!("http://{filled_at}") };
        for (file, text) in node.all(&operators) {
            let path = place.join(file);
            replace(&path, text.as_bytes())
                .map_err(|source| RenderError::Output { path, source })?;
        }
    }
    Ok(())
}

fn nodes(cache: &Cache) -> impl Iterator<Item = (String, &BackendUrl)> {
    cache.node_names().zip(cache.nodes())
}

/// What the files of a node are made of.
struct NodeFiles<'n> {
    name: &'n str,
    /// The port that it listens at.
    port: u16,
    /// The URL that it is filled from.
    fill: &'n str,
}

impl NodeFiles<'_> {
    fn all(&self, operators: &[IpNet]) -> [(&'static str, String); 9] {
        [
            ("records.config", records(self.port)),
            ("remap.config", [self.remap(), access::listing(operators)].concat()),
            ("portolan.conf", rewrites(self.name)),
            ("ip_allow.yaml", access::ip_allow(operators)),
            ("plugin.config", plugins()),
            ("portolan-checks.conf", format!("/v2/ {HOME}/portolan-well text/plain 200 404\n")),
            ("portolan-well", "ok\n".to_owned()),
            ("portolan-statistics.conf", access::statistics(operators)),
            (
                "storage.config",
                "# Where content is kept, and how much: a directory and a size, or a raw device.\n\
                 /var/cache/trafficserver 10G\n"
                    .to_owned(),
            ),
        ]
    }

    fn remap(&self) -> String {
        format!(
            "map http://{HOST}/v2/ {}/v2/ @plugin=cachekey.so @pparam=--static-prefix=oci \
             @pparam=--remove-all-params=true \
             @pparam=--capture-path=/.*\\/((?:blobs|manifests)\\/sha256:[0-9a-f]{{64}})$/$1/ \
             @plugin=header_rewrite.so @pparam={HOME}/portolan.conf @plugin=background_fetch.so\n",
            self.fill
        )
    }
}

fn plugins() -> String {
    format!(
        "healthchecks.so {HOME}/portolan-checks.conf\nstats_over_http.so {HOME}/portolan-statistics.conf\n"
    )
}

/// What becomes of headers, and of what is no content by digest.
fn rewrites(name: &str) -> String {
    let says_its_name = headers::CACHE_NODE;
    format!(
        "cond %{{REMAP_PSEUDO_HOOK}}\nrm-header Authorization\nrm-header Cookie\nset-header {says_its_name} {name}\n{REWRITES}"
    )
}

/// A client that is sent what is being fetched for another one is known by what the server says of its way (`W` behind
/// `c`: the cache result is "read while write"), which goes no further.
const REWRITES: &str = r"

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
";

fn records(port: u16) -> String {
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

/// What differs from the server's defaults. `min_average_object_size` does not: with a larger one the directory of the
/// store overflows.
const RECORDS: [(&str, u64); 33] = [
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
    // Whoever wants what is being filled streams along, and waits up to five seconds for its first byte.
    ("cache.enable_read_while_writer", 1),
    ("cache.read_while_writer.max_retries", 50),
    ("cache.read_while_writer_retry.delay", 50),
    ("http.cache.max_open_read_retries", 100),
    ("http.cache.open_read_retry_time", 50),
    // Of two that find nothing at the same moment one begins to fetch; the other looks again, and does not fetch as well.
    ("http.cache.open_write_fail_action", 5),
    // Whoever comes before the store is there would be sent to what fills the node, and nothing would be kept.
    ("http.wait_for_cache", 1),
    ("http.background_fill_active_timeout", 3600),
    // A bit that flips on the disk is noticed.
    ("cache.enable_checksum", 1),
    ("cache.dir.sync_frequency", 10),
    // What a client that stands still holds in memory.
    ("cache.target_fragment_size", 262_144),
    // What is asked for again is kept longer.
    ("cache.hit_evacuate_percent", 10),
    ("http.insert_age_in_response", 0),
    // What it says of its way, which `portolan.conf` reads and takes out.
    ("http.insert_response_via_str", 3),
    // No registry is told who asked a node.
    ("http.insert_request_via_str", 0),
    ("http.insert_squid_x_forwarded_for", 0),
    ("http.insert_client_ip", 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_listens_at_its_port_and_asks_what_fills_it() {
        let node = NodeFiles { name: "eu-1", port: 8300, fill: "http://10.0.0.5:8081" };
        let files = node.all(&access::operators(&[]));
        let text = |name: &str| files.iter().find(|(file, _)| *file == name).unwrap().1.clone();
        assert!(text("records.config").contains("server_ports STRING 8300\n"));
        let remap = text("remap.config");
        assert!(
            remap.starts_with("map http://cache.internal/v2/ http://10.0.0.5:8081/v2/ "),
            "{remap}"
        );
        assert!(remap.contains("sha256:[0-9a-f]{64})$/$1/"), "{remap}");
        assert_eq!(remap.lines().count(), 2);
        assert!(text("portolan.conf").contains("set-header portolan-cache-node eu-1\n"));
        for setting in ["negative_caching_enabled INT 0", "enable_checksum INT 1"] {
            assert!(text("records.config").contains(setting), "{setting}");
        }
        assert!(!text("records.config").contains("min_average_object_size"));
    }
}
