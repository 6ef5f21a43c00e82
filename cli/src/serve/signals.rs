//! What signals mean: the end, once the requests that are under way have come to theirs; a second
//! one, the end now.

use std::io;
use std::thread;

use portolan_command::output::say;
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use super::child::Handle;
use crate::reload::{self, DrainArgs};

/// What is done about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Envoy ends when no request is under way any more.
    EndGently,
    /// Envoy ends.
    EndNow,
    /// Envoy gets the same signal.
    PassOn(Signal),
    Nothing,
}

/// Takes signals from now on; none is lost before [`follow`] looks at them.
///
/// # Errors
///
/// The operating system does not let it.
pub(super) fn take() -> io::Result<Signals> {
    Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP])
}

/// Answers signals for as long as the process runs.
pub(super) fn follow(mut signals: Signals, envoy: &Handle, drain: DrainArgs) {
    let mut gentle_end = Some(drain);
    for signal in signals.forever() {
        match answer(signal, gentle_end.is_none()) {
            Answer::EndGently => {
                if let Some(drain) = gentle_end.take() {
                    let envoy = envoy.clone();
                    thread::spawn(move || end_gently(&envoy, &drain));
                }
            }
            Answer::EndNow => envoy.end(),
            Answer::PassOn(signal) => envoy.send(signal),
            Answer::Nothing => {}
        }
    }
}

/// SIGTERM is what `docker stop`, Kubernetes and systemd send, SIGINT comes from a terminal. Envoy
/// opens its log files again at SIGUSR1, which is what logrotate wants. A changed policy is noticed
/// without SIGHUP.
fn answer(signal: i32, is_ending: bool) -> Answer {
    match signal {
        SIGTERM | SIGINT | SIGQUIT if is_ending => Answer::EndNow,
        SIGTERM | SIGINT | SIGQUIT => Answer::EndGently,
        SIGUSR1 => Answer::PassOn(Signal::USR1),
        _ => Answer::Nothing,
    }
}

fn end_gently(envoy: &Handle, drain: &DrainArgs) {
    say("ending: requests that are under way come to their end first; a second signal ends them");
    // One that does not answer is not up yet, and has no requests.
    match reload::drain(drain, &mut io::stderr()) {
        Err(error) if !envoy.is_ended() => say(format_args!("ending at once: {error}")),
        _ => {}
    }
    envoy.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_gentle_and_the_second_is_not() {
        let rows = [
            (SIGTERM, false, Answer::EndGently),
            (SIGINT, false, Answer::EndGently),
            (SIGQUIT, false, Answer::EndGently),
            (SIGTERM, true, Answer::EndNow),
            (SIGINT, true, Answer::EndNow),
            (SIGUSR1, false, Answer::PassOn(Signal::USR1)),
            (SIGUSR1, true, Answer::PassOn(Signal::USR1)),
            (SIGHUP, false, Answer::Nothing),
        ];
        for (signal, is_ending, expected) in rows {
            assert_eq!(answer(signal, is_ending), expected, "{signal} {is_ending}");
        }
    }
}
