//! Measurements of the network alone with iperf3: no registry, no disk, no TLS.
//!
//! [`server`] is where its other end runs, [`command`] runs this end, [`output`] reads what it
//! prints.

mod command;
mod mode;
pub(super) mod output;
mod server;

use portolan_registry_client::fault::Fault;
use serde::Serialize;

pub(super) use self::command::is_installed;
pub(super) use self::mode::{HOW_TO_INSTALL, Mode};
pub(super) use self::output::Rate;
pub(super) use self::server::Server;
use super::meaning;

/// What was measured with one server.
#[derive(Debug, Serialize)]
pub(super) struct Trial {
    /// The server, `HOST:PORT`.
    pub(super) server: String,
    #[serde(skip)]
    pub(super) host: String,
    /// One stream to the server.
    pub(super) single: Outcome,
    /// Four streams to the server at once.
    pub(super) parallel: Outcome,
    /// One stream from the server.
    pub(super) reverse: Outcome,
    /// What the differences are signs of.
    pub(super) meaning: Vec<String>,
}

/// What came of one measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Outcome {
    /// It was measured.
    Measured(Rate),
    /// It was not.
    Failed {
        /// Why.
        error: String,
    },
}

impl Outcome {
    /// What was measured, if it was.
    pub(super) const fn rate(&self) -> Option<&Rate> {
        match self {
            Self::Measured(rate) => Some(rate),
            Self::Failed { .. } => None,
        }
    }
}

impl Trial {
    /// Measures all of it, one after the other. `announce` is told of each before it begins.
    pub(super) fn run(server: &Server, seconds: u32, mut announce: impl FnMut(&str)) -> Self {
        let [single, parallel, reverse] = Mode::ALL.map(|mode| {
            announce(&format!("iperf3 with {server}: {}", mode.title()));
            outcome(command::run(server, mode, seconds))
        });
        let rates = meaning::Rates {
            single: single.rate().copied(),
            parallel: parallel.rate().copied(),
            reverse: reverse.rate().copied(),
        };
        let meaning = meaning::of_rates(&rates);
        Self {
            server: server.to_string(),
            host: server.host().to_owned(),
            single,
            parallel,
            reverse,
            meaning,
        }
    }

    /// Each mode and what came of it.
    pub(super) const fn outcomes(&self) -> [(Mode, &Outcome); 3] {
        [
            (Mode::Single, &self.single),
            (Mode::Parallel, &self.parallel),
            (Mode::Reverse, &self.reverse),
        ]
    }

    /// Whether any of the three failed.
    pub(super) fn has_failures(&self) -> bool {
        self.outcomes().iter().any(|(_, outcome)| outcome.rate().is_none())
    }
}

fn outcome(result: Result<Rate, Fault>) -> Outcome {
    result.map_or_else(|fault| Outcome::Failed { error: fault.to_string() }, Outcome::Measured)
}
