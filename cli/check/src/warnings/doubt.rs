//! What is said of a policy that hardly means what it says.

/// The path of a value, and what is doubtful about it.
pub(super) type Doubt = (String, String);
