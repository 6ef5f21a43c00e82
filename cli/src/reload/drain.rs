//! `portolan drain`: an Envoy ends its work before it ends.
//!
//! SIGTERM ends Envoy at once, and with it whatever streams. So first it says that it is not ready: `/readyz` is 503,
//! load balancers look elsewhere, and every answer tells its client to use another connection (`Connection: close`,
//! or GOAWAY). New requests are served as ever meanwhile. Then it takes no more connections: while another Envoy
//! listens at the same address, a new request could begin in the moment in which this one ends. When no request is
//! under way, it may end.

use std::io::Write;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;

use super::ReloadError;
use super::admin::Admin;
use super::arguments::seconds;

/// Have an Envoy end its work: no new clients, and a wait until no request is under way.
#[derive(Debug, Args)]
pub(crate) struct DrainArgs {
    /// The address of Envoy's admin interface.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// How long it takes new connections still: load balancers have to notice that it is not ready.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    grace: Duration,
    /// How long requests may take at most. What streams then is cut when Envoy ends.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
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
/// The requests that the listener of the clients has under way.
const REQUESTS: &str = "http.portolan.downstream_rq_active";

/// Drains it. Whether everything came to its end is said, and is no error otherwise: who stops Envoy does so anyway.
///
/// # Errors
///
/// The admin interface does not answer.
pub(crate) fn run(arguments: &DrainArgs, out: &mut impl Write) -> Result<(), ReloadError> {
    let envoy = Admin::new(arguments.admin);
    envoy.post("/healthcheck/fail")?;
    let begun = Instant::now();
    sleep(arguments.grace.min(arguments.timeout));
    envoy.post("/drain_listeners")?;
    let left = loop {
        let requests = envoy.statistics()?.number(REQUESTS);
        if requests == 0 || begun.elapsed() >= arguments.timeout {
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
