//! `portolan drain`: an Envoy ends its work before it ends.
//!
//! SIGTERM ends Envoy at once, and with it whatever streams. So first it says that it is not ready:
//! `/readyz` is 503, load balancers look elsewhere, and every answer tells its client to use
//! another connection (`Connection: close`, or GOAWAY). New requests are served as ever meanwhile.
//! Then it takes no more connections: while another Envoy listens at the same address, a new
//! request could begin in the moment in which this one ends. When no connection is left, or no
//! request has come for some seconds, it may end: a client that has just connected may still be on
//! its way through TLS, and has not asked anything yet.

use std::io::Write;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use portolan_command::output::say;

use super::arguments::time;
use super::envoy::{Envoy, Statistics};
use super::error::ReloadError;
use super::quiet::Quiet;
use super::shared_port;

/// Have an Envoy end its work: no new clients, and a wait until no request is under way.
#[derive(Debug, Args)]
pub(crate) struct DrainArgs {
    /// The address of Envoy's admin interface.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// How long it takes new connections still: load balancers have to notice that it is not ready.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    grace: Duration,
    /// How long requests may take at most. What streams then is cut when Envoy ends.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    timeout: Duration,
    /// End Envoy then.
    #[arg(long)]
    quit: bool,
}

impl DrainArgs {
    /// For whoever ends Envoy then by other means.
    pub(crate) const fn of_own_envoy(
        admin: SocketAddr,
        grace: Duration,
        timeout: Duration,
    ) -> Self {
        Self { admin, grace, timeout, quit: false }
    }
}

const PAUSE: Duration = Duration::from_millis(200);
/// For how long no request may be under way while there are connections: connecting and TLS take up
/// to three times the way there and back, one of which may have to be repeated after a second (RFC
/// 6298 section 2.1).
const QUIET: Duration = Duration::from_secs(5);
/// The requests and the connections that the listener of the clients has.
const REQUESTS: &str = "http.portolan.downstream_rq_active";
const CONNECTIONS: &str = "http.portolan.downstream_cx_active";
/// The connections that have not said anything yet: with this the names of the statistics of
/// listeners end.
const NEW_CONNECTIONS: &str = ".downstream_pre_cx_active";

/// Drains it. Whether everything came to its end is said, and is no error otherwise: who stops
/// Envoy does so anyway.
///
/// # Errors
///
/// The admin interface does not answer.
pub(crate) fn run(arguments: &DrainArgs, out: &mut impl Write) -> Result<(), ReloadError> {
    let envoy = Envoy::new(arguments.admin);
    envoy.post("/healthcheck/fail")?;
    let begun = Instant::now();
    sleep(arguments.grace.min(arguments.timeout));
    shared_port::note_of_closing(&envoy).into_iter().for_each(say);
    envoy.post("/drain_listeners")?;
    let mut quiet = Quiet::default();
    let left = loop {
        let now = envoy.statistics()?;
        let requests = now.number(REQUESTS);
        let lasts = quiet.lasts(requests, Instant::now());
        if is_over(&now, lasts) || begun.elapsed() >= arguments.timeout {
            break requests;
        }
        sleep(PAUSE);
    };
    let seconds = begun.elapsed().as_secs();
    match left {
        0 => writeln!(out, "no request is under way after {seconds} seconds")?,
        left => writeln!(out, "{left} requests are still under way after {seconds} seconds")?,
    }
    if arguments.quit {
        envoy.post("/quitquitquit")?;
    }
    Ok(())
}

/// Whether nobody is left, or nobody who is left has asked anything for long enough.
fn is_over(now: &Statistics, quiet: Duration) -> bool {
    let is_deserted = now.number(CONNECTIONS) == 0 && now.sum(NEW_CONNECTIONS) == 0;
    now.number(REQUESTS) == 0 && (is_deserted || quiet >= QUIET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_may_end() {
        let rows = [
            (0, 0, 0, 0, true, "nobody is connected"),
            (0, 2, 0, 4, false, "a client may be about to ask"),
            (0, 0, 1, 4, false, "a client may be about to begin with TLS"),
            (0, 2, 1, 5, true, "they only keep their connections"),
            (1, 1, 0, 0, false, "a request is under way"),
        ];
        for (requests, connections, new, quiet, expected, reason) in rows {
            let said = format!(
                "{REQUESTS}: {requests}\n{CONNECTIONS}: {connections}\n\
                 listener.0.0.0.0_8080{NEW_CONNECTIONS}: {new}\n"
            );
            let found = is_over(&Statistics::read(&said), Duration::from_secs(quiet));
            assert_eq!(found, expected, "{reason}");
        }
    }
}
