//! `portolan ready`: whether an Envoy serves, for health checks of containers without a shell.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use portolan_command::output::{Exit, say};
use portolan_render::admin_address;

use crate::admin::Admin;

/// How long the answer may take. Envoy answers no request while it compiles the filter; a health
/// check is made again later.
const ANSWER: Duration = Duration::from_secs(5);

pub(crate) const EXIT_STATUS: &str = "\
Exit status:
  0  Envoy serves
  1  it does not: it starts, drains, or is not there
  2  the command was wrong";

/// Say whether the Envoy of this machine serves: asks `/ready` of its admin interface.
///
/// For health checks where there is no other program, as in a container.
#[derive(Debug, Args)]
pub(crate) struct ReadyArgs {
    /// The address of Envoy's admin interface; a loopback address.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9901", value_parser = admin_address)]
    admin: SocketAddr,
}

/// Asks, and prints Envoy's word for its state, such as `LIVE` or `DRAINING`.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &ReadyArgs, out: &mut impl Write) -> io::Result<Exit> {
    match Admin::new(arguments.admin, ANSWER).get("/ready") {
        Ok(answer) if answer.status == 200 => {
            writeln!(out, "{}", answer.text.trim())?;
            Ok(Exit::Good)
        }
        Ok(answer) => {
            say(format_args!("not ready: {}", answer.text.trim()));
            Ok(Exit::Refused)
        }
        Err(error) => {
            say(format_args!("not ready: no answer from {}: {error}", arguments.admin));
            Ok(Exit::Refused)
        }
    }
}

/// Whether the Envoy at this address serves.
pub(crate) fn is_live(admin: SocketAddr) -> bool {
    Admin::new(admin, ANSWER).get("/ready").is_ok_and(|answer| answer.status == 200)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// How it ends, and what it prints, when this is what the admin interface says.
    fn when(answer: &'static str) -> (Exit, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let length = client.read(&mut head).unwrap();
            assert!(head.get(..length).unwrap().starts_with(b"GET /ready HTTP/1.1\r\n"));
            client.write_all(answer.as_bytes()).unwrap();
        });
        let mut printed = Vec::new();
        let exit = run(&ReadyArgs { admin }, &mut printed).unwrap();
        server.join().unwrap();
        (exit, String::from_utf8(printed).unwrap())
    }

    #[test]
    fn envoys_own_word_decides() {
        let rows = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nLIVE\n", Exit::Good, "LIVE\n"),
            (
                "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\nDRAINING\n",
                Exit::Refused,
                "",
            ),
            ("no HTTP at all", Exit::Refused, ""),
        ];
        for (answer, exit, printed) in rows {
            assert_eq!(when(answer), (exit, printed.to_owned()), "{answer}");
        }
    }

    #[test]
    fn an_envoy_that_does_not_answer_is_not_ready() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let exit = run(&ReadyArgs { admin: free }, &mut Vec::new()).unwrap();
        assert_eq!(exit, Exit::Refused);
    }
}
