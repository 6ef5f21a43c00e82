//! Where a node that this command starts has its files, and what differs from one that Debian's
//! package starts.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::json;

/// Where Debian's package has the server's plugins.
const PLUGINS: &str = "/usr/lib/trafficserver/modules";

/// Files that the server complains about where they are not there; nothing is to be said in them.
const EMPTY: [&str; 6] = [
    "cache.config",
    "hosting.config",
    "logging.yaml",
    "parent.config",
    "ssl_multicert.config",
    "volume.config",
];

/// Bodies of the server's own errors. Without one it closes the connection in the place of an
/// answer.
const BODIES: [(&str, &str); 2] = [
    (".body_factory_info", "# English, UTF-8\n"),
    ("default", "The node of the cache could not answer this.\n"),
];

/// What is not the server's default: it runs as the user who has started it, says what goes wrong
/// on the standard error, and leaves the log of requests to the Envoys. Names are looked for as
/// other programs do: in `/etc/hosts` first, and in the domains of `/etc/resolv.conf`. Plugins are
/// loaded from where they are: of a copy in a directory of memory, as containers have it, no code
/// may be run.
const RECORDS: &str = "\
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.dns.search_default_domains INT 1
CONFIG proxy.config.hostdb.host_file.path STRING /etc/hosts
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.plugin.dynamic_reload_mode INT 0
CONFIG proxy.config.http.connect_attempts_rr_retries INT 0
";

/// The levels of the server's own messages.
const LEVELS: [&str; 7] = ["status", "note", "warning", "error", "fatal", "alert", "emergency"];

/// The places of a node.
#[derive(Debug)]
pub(super) struct Layout {
    /// What is made of the policy.
    pub(super) files: PathBuf,
    /// What is kept.
    pub(super) store: PathBuf,
    /// What the server writes while it runs.
    state: PathBuf,
    /// Where it looks for bodies of errors of its own, without which it does not start.
    bodies: PathBuf,
    /// Those of one language.
    default_bodies: PathBuf,
    /// What tells the server of all of them.
    run_root: PathBuf,
}

/// What is the machine's and not the policy's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// How much is kept.
    pub(super) size: StoreSize,
    /// How much of it in memory besides.
    pub(super) memory: StoreSize,
    /// Threads.
    pub(super) threads: usize,
}

/// The size of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoreSize {
    count: u32,
    unit: char,
}

impl FromStr for StoreSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let unit = text.chars().last().filter(|unit| "MGT".contains(*unit))?;
            let count = text.strip_suffix(unit)?.parse().ok().filter(|count| *count > 0)?;
            Some(Self { count, unit })
        };
        read().ok_or_else(|| "write a number and M, G or T, such as `350G`".to_owned())
    }
}

impl fmt::Display for StoreSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.count, self.unit)
    }
}

impl Layout {
    /// Everything but the store is below `directory`. The server does not take paths that begin
    /// nowhere.
    pub(super) fn below(directory: &Path, store: &Path) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = whole(directory);
        Self {
            files: directory.join("etc"),
            state: directory.join("state"),
            bodies: directory.join("bodies"),
            default_bodies: directory.join("bodies/default"),
            run_root: directory.join("runroot.yaml"),
            store: whole(store),
        }
    }

    /// The directories that there have to be.
    pub(super) fn directories(&self) -> [&Path; 4] {
        [&self.files, &self.state, &self.default_bodies, &self.store]
    }

    /// The option by which the server finds all of it.
    pub(super) fn option(&self) -> String {
        format!("--run-root={}", self.run_root.display())
    }

    /// All files, those of the node among them.
    pub(super) fn complete(
        &self,
        node: Vec<(&'static str, String)>,
        own: Own,
    ) -> Vec<(PathBuf, String)> {
        let is_missing = |name: &&&str| !node.iter().any(|(known, _)| *known == **name);
        let empty: Vec<_> = EMPTY.iter().filter(is_missing).collect();
        let empty = empty.into_iter().map(|name| (self.files.join(name), String::new()));
        let of_node = node.into_iter().map(|(name, text)| {
            let text = match name {
                "records.config" => text + &records(own, &self.bodies),
                "storage.config" => format!("{} {}\n", self.store.display(), own.size),
                _ => text,
            };
            (self.files.join(name), text)
        });
        let bodies =
            BODIES.iter().map(|(name, text)| (self.default_bodies.join(name), (*text).to_owned()));
        of_node.chain(empty).chain(bodies).chain([(self.run_root.clone(), self.text())]).collect()
    }

    /// The server's own places (`traffic_layout`), in YAML, of which JSON is a part.
    fn text(&self) -> String {
        let places = json!({
            "prefix": "/usr",
            "exec_prefix": "/usr",
            "bindir": "/usr/bin",
            "sbindir": "/usr/bin",
            "libexecdir": PLUGINS,
            "datadir": "/usr/share/trafficserver",
            "sysconfdir": self.files,
            "runtimedir": self.state,
            "logdir": self.state,
            "localstatedir": self.state,
            "cachedir": self.store,
        });
        format!("{places}\n")
    }
}

fn records(own: Own, bodies: &Path) -> String {
    let mut text = RECORDS.to_owned();
    let _ = writeln!(
        text,
        "CONFIG proxy.config.body_factory.template_sets_dir STRING {}",
        bodies.display()
    );
    let _ = writeln!(text, "CONFIG proxy.config.exec_thread.limit INT {}", own.threads);
    let _ = writeln!(text, "CONFIG proxy.config.cache.ram_cache.size INT {}", own.memory);
    for level in LEVELS {
        let _ = writeln!(text, "CONFIG proxy.config.diags.output.{level} STRING E");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("350G", Some("350G")),
            ("64M", Some("64M")),
            ("2T", Some("2T")),
            ("0G", None),
            ("10", None),
            ("10Gi", None),
            ("G", None),
            ("-1G", None),
        ] {
            let found = text.parse::<StoreSize>().ok().map(|size| size.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn files_are_below_one_directory_and_the_store_is_where_it_is_told() {
        let layout = Layout::below(Path::new("/run/x"), Path::new("/store"));
        let own = Own { size: "64M".parse().unwrap(), memory: "8M".parse().unwrap(), threads: 3 };
        let node = vec![
            ("records.config", "of the policy\n".to_owned()),
            ("storage.config", String::new()),
        ];
        let files = layout.complete(node, own);
        let text =
            |path: &str| &files.iter().find(|(known, _)| known == Path::new(path)).unwrap().1;
        assert_eq!(text("/run/x/etc/storage.config"), "/store 64M\n");
        let records = text("/run/x/etc/records.config");
        assert!(records.starts_with("of the policy\nCONFIG "), "{records}");
        for line in ["exec_thread.limit INT 3\n", "ram_cache.size INT 8M\n"] {
            assert!(records.contains(line), "{records}");
        }
        assert!(text("/run/x/runroot.yaml").contains(r#""sysconfdir":"/run/x/etc""#));
        assert_eq!(text("/run/x/etc/volume.config"), "");
        assert_eq!(layout.option(), "--run-root=/run/x/runroot.yaml");
    }
}
