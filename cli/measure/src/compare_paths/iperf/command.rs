//! Running iperf3.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use portolan_registry_client::fault::Fault;

use super::mode::{HOW_TO_INSTALL, Mode};
use super::output::{Rate, read};
use super::server::Server;

const PROGRAM: &str = "iperf3";

/// How long connecting may take, in milliseconds.
const CONNECT_TIMEOUT: &str = "5000";

/// How much longer than it was told a measurement may take: to connect and to exchange results.
const GRACE: Duration = Duration::from_secs(20);

/// How often somebody looks whether it is done.
const POLL: Duration = Duration::from_millis(20);

/// Whether iperf3 can be run.
pub(crate) fn is_installed() -> bool {
    let quiet = Command::new(PROGRAM)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok()
}

/// Runs one measurement to its end.
///
/// # Errors
///
/// iperf3 is not there, fails, or does not end.
pub(super) fn run(server: &Server, mode: Mode, seconds: u32) -> Result<Rate, Fault> {
    // A file, as a pipe that nobody reads before the end would fill up and hold iperf3 for ever.
    let mut output = tempfile::tempfile().map_err(cannot)?;
    let mut child = start(server, mode, seconds, output.try_clone().map_err(cannot)?)?;
    wait(&mut child, Duration::from_secs(u64::from(seconds)).saturating_add(GRACE))?;
    let mut text = Vec::new();
    output.rewind().and_then(|()| output.read_to_end(&mut text)).map_err(cannot)?;
    read(&text)
}

fn start(server: &Server, mode: Mode, seconds: u32, output: File) -> Result<Child, Fault> {
    let mut command = Command::new(PROGRAM);
    command.args(["--client", server.host(), "--port", &server.port().to_string()]);
    command.args(["--json", "--interval", "0", "--connect-timeout", CONNECT_TIMEOUT]);
    command.args(["--time", &seconds.to_string()]);
    match mode {
        Mode::Single => {}
        Mode::Parallel => _ = command.args(["--parallel", "4"]),
        Mode::Reverse => _ = command.arg("--reverse"),
    }
    command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Fault::new(HOW_TO_INSTALL),
        _ => cannot(error),
    })
}

fn wait(child: &mut Child, timeout: Duration) -> Result<(), Fault> {
    let begun = Instant::now();
    while child.try_wait().map_err(cannot)?.is_none() {
        if begun.elapsed() > timeout {
            child.kill().and_then(|()| child.wait()).map_err(cannot)?;
            return Err(Fault::new(format_args!(
                "iperf3 had not ended after {} s",
                timeout.as_secs()
            )));
        }
        sleep(POLL);
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn cannot(error: std::io::Error) -> Fault {
    Fault::new(format_args!("cannot run iperf3: {error}"))
}
