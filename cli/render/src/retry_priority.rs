//! The place in a list that an attempt goes to.

use serde_json::{Value, json};

use super::typed::extension;

/// Each attempt goes to another place of the list than those before.
pub(super) fn previous_priorities() -> Value {
    extension(
        "envoy.retry_priorities.previous_priorities",
        "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
        json!({"update_frequency": 1}),
    )
}
