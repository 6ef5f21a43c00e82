//! The type of a warning: a place in the policy, and a text.

/// The path of a value, and what is doubtful about it.
pub(super) type Doubt = (String, String);
