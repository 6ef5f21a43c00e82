//! The text of a file that belongs to another program.

use std::path::Path;

/// The text of a file.
///
/// # Errors
///
/// It cannot be read, or is no UTF-8.
pub(super) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
