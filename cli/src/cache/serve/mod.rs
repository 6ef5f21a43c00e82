//! `portolan cache serve`: becomes a node of a cache.
//!
//! The files of the node are made of the policy, as `render --target cache-node` makes them;
//! [`layout`] says where a server finds them that is not where Debian's package puts it. Then this
//! process becomes the server: it has nothing to do beside it.

mod layout;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroU8;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use ipnet::IpNet;

use portolan_command::output::{Exit, Results, complain, fail};
use portolan_command::policy_file;
use portolan_command::replace::replace;
use portolan_render::{FillUrl, NodeSite, of_node};

use layout::{Layout, Own, StoreSize};

pub(super) const EXAMPLES: &str = "\
Examples:
  portolan cache serve portolan.yaml --node eu-1 --fill-url http://10.0.0.5:8081 --size 350G
  portolan cache serve portolan.yaml --node eu-1 --fill-url http://portolan-fill:8081 --store ./store --directory ./run

Exit status, if the server could not be started; else it is the server's own:
  1  the policy is refused
  2  the command was wrong, the policy has no such node, a file cannot be read or written, or there is no Traffic Server";

/// Arguments of `portolan cache serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The policy, a YAML or JSON file.
    #[arg(default_value = "/etc/portolan/portolan.yaml")]
    policy: PathBuf,
    /// Which of its nodes: the name of the cache and the number of the node, from 1 on.
    #[arg(long, value_name = "CACHE-NUMBER")]
    node: String,
    /// Where the node asks to be filled: the fill listener of the Envoys, or what leads there.
    #[arg(long, value_name = "URL")]
    fill_url: FillUrl,
    /// From where `portolan cache` may ask what the node holds and have it forget it, besides its
    /// own machine.
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    operators: Vec<IpNet>,
    /// Where content is kept: a directory, which the user who runs this writes to.
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/cache/trafficserver")]
    store: PathBuf,
    /// How much is kept: a number and M, G or T (powers of 1024). Another size begins with nothing.
    #[arg(long, value_name = "SIZE", default_value = "10G")]
    size: StoreSize,
    /// How much of what is asked for most is kept in memory besides, as `--size`; the directory of
    /// the store takes 1.25 GB for each TB of it.
    #[arg(long, value_name = "SIZE", default_value = "256M")]
    memory: StoreSize,
    /// Where the files of the node are written. Nobody else should be able to write there.
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/portolan")]
    directory: PathBuf,
    /// The server's threads; as many as there are processors for it, if left out.
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroU8>,
    /// The program, if it is not the `traffic_server` of `PATH`.
    #[arg(long, value_name = "PATH", default_value = "traffic_server")]
    server_program: PathBuf,
}

/// Becomes the node. Comes back only if it cannot.
///
/// # Errors
///
/// `out` cannot be written.
pub(super) fn run(arguments: &ServeArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    out.flush()?;
    let policy = match policy_file::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    let layout = Layout::below(&arguments.directory, &arguments.store);
    let home = layout.files.to_string_lossy();
    let site = NodeSite { fill: &arguments.fill_url, operators: &arguments.operators, home: &home };
    let files = match of_node(policy.config.caches(), &arguments.node, &site) {
        Ok(files) => files,
        Err(error) => return Ok(error.complain()),
    };
    let own =
        Own { size: arguments.size, memory: arguments.memory, threads: threads(arguments.threads) };
    let all = layout.complete(files, own);
    if let Err(error) = put(&layout, &all) {
        return Ok(fail(error, Exit::Unusable));
    }
    let program = arguments.server_program.clone();
    let source = Command::new(&program).arg(layout.option()).exec();
    Ok(fail(Trouble::NoServer { program, source }, Exit::Unusable))
}

fn threads(told: Option<NonZeroU8>) -> usize {
    let found = || std::thread::available_parallelism().map_or(1, usize::from);
    told.map_or_else(found, |count| usize::from(count.get()))
}

/// Makes the directories, writes the files, and sees that the store can be written to: the server
/// would start without one, and keep nothing.
fn put(layout: &Layout, files: &[(PathBuf, String)]) -> Result<(), Trouble> {
    let trouble = |path: &Path| {
        let path = path.to_owned();
        move |source| Trouble::File { path, source }
    };
    for directory in layout.directories() {
        fs::create_dir_all(directory).map_err(trouble(directory))?;
    }
    for (path, text) in files {
        replace(path, text.as_bytes()).map_err(trouble(path))?;
    }
    let probe = layout.store.join(".portolan");
    File::create(&probe).map_err(trouble(&layout.store))?;
    fs::remove_file(&probe).map_err(trouble(&layout.store))
}

/// Why there is no node.
#[derive(Debug)]
enum Trouble {
    /// A file or a directory that cannot be written.
    File { path: PathBuf, source: io::Error },
    /// The server cannot be run.
    NoServer { program: PathBuf, source: io::Error },
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => {
                write!(formatter, "{}: {source}; the node has to write there", path.display())
            }
            Self::NoServer { program, source } => write!(
                formatter,
                "cannot run {}: {source}; install Traffic Server 9.2, or name the program with --server-program",
                program.display()
            ),
        }
    }
}
