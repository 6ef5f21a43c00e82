//! `portolan cache`: what the nodes of caches hold, and what is done about it.
//!
//! [`arguments`] are what a person types. [`node`] asks one node, [`nodes`] says which there are,
//! [`listing`] and [`statistics`] read what a node says of itself; [`status`], [`purge`],
//! [`verify`] and [`serve`] are the commands. Filling is [`crate::warm`]'s.

mod arguments;
mod kind;
mod listing;
mod node;
mod nodes;
mod purge;
mod serve;
mod statistics;
mod status;
mod verify;

use std::io::{self, Write};

use clap::Subcommand;
use portolan_command::output::{Exit, Results};

use crate::warm::{self, WarmArgs};
use arguments::{
    PURGE_EXAMPLES, PurgeArgs, STATUS_EXAMPLES, StatusArgs, VERIFY_EXAMPLES, VerifyArgs,
};

/// What can be done about caches and their nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Say of each node whether it is up, how full it is, and how it was used since it was started.
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Have every node forget some content, whatever repository and registry it came from.
    ///
    /// A registry that still has it is asked when it is next wanted.
    #[command(after_help = PURGE_EXAMPLES)]
    Purge(PurgeArgs),
    /// Read what nodes hold, and hash it: what is not what its digest names is purged.
    ///
    /// Nothing is fetched from registries. Without digests each node is asked what it holds, which
    /// takes it as long as reading its store does.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Pull images through a front, so that the cache of this machine's region has them:
    /// `portolan warm`.
    #[command(after_help = warm::EXAMPLES)]
    Warm(WarmArgs),
    /// Become a node: an Apache Traffic Server with the files that the policy makes of it.
    ///
    /// They are those of `portolan render --target cache-node`. The server needs no root and no
    /// file of its package's configuration. Another policy needs another start, if it says
    /// something else of this node.
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeArgs),
}

impl CacheCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// `out` cannot be written, or the standard input not be read.
    pub(crate) fn run(self, out: &mut Results<impl Write>) -> io::Result<Exit> {
        match self {
            Self::Status(arguments) => status::run(&arguments, out),
            Self::Purge(arguments) => purge::run(&arguments, out),
            Self::Verify(arguments) => verify::run(&arguments, out),
            Self::Warm(arguments) => warm::run(&arguments, out),
            Self::Serve(arguments) => serve::run(&arguments, out),
        }
    }
}
