//! What asks Envoy for a turn of a filter on its worker, or of a configuration on the main thread;
//! from any thread.
#![expect(unsafe_code, reason = "Envoy's functions are foreign")]

use crate::abi::{Callbacks, Object};

/// A way to ask for turns. Once the filter or the configuration is gone, none comes.
pub(crate) struct Scheduler {
    object: Object,
    commit: unsafe extern "C" fn(Object, u64),
    delete: unsafe extern "C" fn(Object),
}

// SAFETY: Envoy says that a scheduler may be used from any thread; it is used by one at a time.
unsafe impl Send for Scheduler {}

impl Scheduler {
    /// For a filter of a stream, while one of its hooks runs.
    pub(crate) fn of_filter(envoy: &Callbacks, filter: Object) -> Self {
        Self {
            // SAFETY: the filter is there, as its hook runs.
            object: unsafe { (envoy.http_filter_scheduler_new)(filter) },
            commit: envoy.http_filter_scheduler_commit,
            delete: envoy.http_filter_scheduler_delete,
        }
    }

    /// For a configuration, while it is there.
    pub(crate) fn of_config(envoy: &Callbacks, config: Object) -> Self {
        Self {
            // SAFETY: the configuration is there, as it is being made.
            object: unsafe { (envoy.http_filter_config_scheduler_new)(config) },
            commit: envoy.http_filter_config_scheduler_commit,
            delete: envoy.http_filter_config_scheduler_delete,
        }
    }

    /// Asks for a turn.
    pub(crate) fn commit(&self) {
        // SAFETY: the scheduler is there until it is dropped.
        unsafe { (self.commit)(self.object, 0) };
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        // SAFETY: it is there, and is not used any more.
        unsafe { (self.delete)(self.object) };
    }
}
