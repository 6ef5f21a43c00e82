//! `portolan geoip`: what `portolan-geography` does, and the one command among them that needs a
//! network.

use std::io::{self, Write};

use clap::Subcommand;
use portolan_command::progress::while_saying;
use portolan_geography::geoip::error::GeoipError;

use crate::geoip_update::{UpdateArguments, update};

/// Build and read the database that tells Envoy in which country an address is.
#[derive(Debug, Subcommand)]
pub(crate) enum GeoipCommand {
    #[command(flatten)]
    Offline(portolan_geography::geoip::GeoipCommand),
    /// Fetch a database from where a file says, and put it in place as `install` does.
    ///
    /// What comes is checked by a checksum or a signature, unpacked, built where it has not Envoy's
    /// shape, and mended by your own tables. Nothing is touched before all of that is done.
    #[command(display_order = 2)]
    Update(UpdateArguments),
}

impl GeoipCommand {
    /// Does what was asked: answers go to the standard output, a summary to the standard error.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, in words for the person who typed the command.
    pub(crate) fn run(self) -> Result<(), GeoipError> {
        match self {
            Self::Offline(command) => command.run(),
            Self::Update(arguments) => {
                let installed = while_saying("looking for newer data", || update(&arguments))?;
                writeln!(io::stderr(), "{installed}").map_err(GeoipError::Print)
            }
        }
    }
}
