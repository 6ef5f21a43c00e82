//! The Envoy that runs, as a child of this process.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};

/// A running Envoy, which only the thread that has started it can wait for.
pub(super) struct Running(Child);

/// What signals are sent by.
#[derive(Clone)]
pub(super) struct Handle {
    pid: Pid,
    is_ended: Arc<AtomicBool>,
}

impl Running {
    /// Starts it, from a thread that lives as long as it does.
    ///
    /// # Errors
    ///
    /// There is no such program, or it cannot be run.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        end_with_this_thread(&mut command);
        command.spawn().map(Self)
    }

    /// What signals are sent by.
    pub(super) fn handle(&self) -> Handle {
        Handle { pid: Pid::from_child(&self.0), is_ended: Arc::default() }
    }

    /// Waits for its end; the status that a shell would say.
    ///
    /// # Errors
    ///
    /// Somebody else has waited for it.
    pub(super) fn wait(mut self) -> io::Result<i32> {
        self.0.wait().map(status)
    }
}

impl Handle {
    /// Sends a signal. If Envoy has ended there is nobody to get it, which is fine.
    pub(super) fn send(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Has Envoy end, once: a second SIGTERM would kill it while it closes its files.
    pub(super) fn end(&self) {
        if !self.is_ended.swap(true, Ordering::SeqCst) {
            self.send(Signal::TERM);
        }
    }

    /// Whether it was told to end.
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::SeqCst)
    }
}

/// Has the kernel end the child should this process be killed (`PR_SET_PDEATHSIG` of prctl(2)): it
/// would keep the port, with a policy that nobody changes any more.
#[cfg(target_os = "linux")]
fn end_with_this_thread(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    use rustix::process::set_parent_process_death_signal;

    let ask = || Ok(set_parent_process_death_signal(Some(Signal::TERM))?);
    // SAFETY: between fork and exec there is this one system call. It allocates nothing and takes
    // no lock.
    unsafe { command.pre_exec(ask) };
}

/// Only Linux can; elsewhere the command line is for checking policies.
#[cfg(not(target_os = "linux"))]
fn end_with_this_thread(_: &mut Command) {}

/// The exit status, or 128 and the number of the signal that has ended it.
fn status(status: ExitStatus) -> i32 {
    let of_signal = || 128_i32.saturating_add(status.signal().unwrap_or_default());
    status.code().unwrap_or_else(of_signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_that_of_a_shell() {
        for (raw, expected) in [(0, 0), (7 << 8, 7), (9, 137), (15, 143)] {
            assert_eq!(status(ExitStatus::from_raw(raw)), expected, "{raw}");
        }
    }

    #[test]
    fn a_signal_reaches_it() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        let running = Running::start(command).unwrap();
        let handle = running.handle();
        assert!(!handle.is_ended());
        handle.clone().end();
        assert!(handle.is_ended(), "whoever has told it so");
        assert_eq!(running.wait().unwrap(), 143);
    }
}
