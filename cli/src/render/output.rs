//! Puts the file in place in one step.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Envoy seldom runs as the user who renders. Set explicitly, since a temporary file is for its
/// owner alone.
const MODE: u32 = 0o644;

/// Writes to a new file beside `path` and renames it, so that an Envoy that starts meanwhile reads
/// the old file or the new one, never half of one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".portolan-render-")
        .suffix(".tmp")
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(MODE))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_old_file_is_replaced_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("envoy.yaml");
        replace(&path, b"the old and longer one").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        replace(&directory.path().join("no/envoy.yaml"), b"x").expect_err("no such directory");
    }
}
