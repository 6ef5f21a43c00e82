//! The one timer of the process: a thread that waits, and has the main thread of Envoy do what is
//! due.
//!
//! Envoy lends a module no timer, but any thread may ask for a turn of a configuration on the main
//! thread. Which configuration does not matter to what is asked, but to the names of what is
//! counted: the last one that is still there has it, of those that count if there is one.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use crate::scheduler::Scheduler;

static STATE: Mutex<State> = Mutex::new(State { due: None, roots: Vec::new() });
static CHANGED: Condvar = Condvar::new();

struct State {
    due: Option<Instant>,
    /// Configurations that can have a turn, by their addresses.
    roots: Vec<(usize, Scheduler)>,
}

impl State {
    /// Asks for a turn. Held while it does: a configuration that goes away takes its scheduler out
    /// first.
    fn ring(&self) {
        if let Some((_, scheduler)) = self.roots.last() {
            scheduler.commit();
        }
    }
}

/// Has a turn come in so long, in place of what was said before; zero for never.
pub(crate) fn set(period: Duration) {
    const AT_ONCE: Duration = Duration::from_millis(1);
    static THREAD: Once = Once::new();
    let mut state = state();
    state.due = None;
    if period.is_zero() {
        return;
    }
    if period <= AT_ONCE {
        state.ring();
        return;
    }
    state.due = Instant::now().checked_add(period);
    THREAD.call_once(|| {
        let named = std::thread::Builder::new().name("portolan".to_owned());
        // Without the thread nothing would be too late, and nothing would be asked again: requests
        // that need to wait would wait for ever. A process that cannot have one thread more has no
        // workers either.
        drop(named.spawn(wait));
    });
    CHANGED.notify_one();
}

/// A configuration is there that can have turns; `counts` says that it has them before the others.
pub(crate) fn add(config: usize, scheduler: Scheduler, counts: bool) {
    let mut state = state();
    let place = if counts { state.roots.len() } else { 0 };
    state.roots.insert(place, (config, scheduler));
}

/// A configuration goes away. Its turn may be lost with it, so another one has one.
pub(crate) fn remove(config: usize) {
    let mut state = state();
    state.roots.retain(|(other, _)| *other != config);
    state.ring();
}

fn wait() {
    let mut state = state();
    loop {
        let left = state.due.map(|due| due.saturating_duration_since(Instant::now()));
        state = match left {
            None => CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(Duration::ZERO) => {
                state.due = None;
                state.ring();
                state
            }
            Some(left) => {
                let waited = CHANGED.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
