//! Puts a file in place in one step.
//!
//! A running Envoy has its geographic database mapped into its memory. It dies of SIGBUS if the
//! file is cut short under it, and reads nonsense if it is written over; a rename it notices, and
//! loads the new file while the old one stays whole for whoever still has it open. An Envoy that
//! starts while its configuration is rendered reads the old one or the new one, never half.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

/// Envoy seldom runs as the user who makes its files. Set explicitly, since a temporary
/// file is for its owner alone.
const MODE: u32 = 0o644;

/// Secrets are for their owner alone.
const SECRET_MODE: u32 = 0o600;

/// Writes `bytes` to a new file in the directory of `path` and renames it to `path`.
///
/// At every moment, a power cut included, `path` is either the whole old file or the whole new
/// one: the bytes are on the disk before the name is. If anything fails, the new file is
/// removed and the old one stays.
///
/// # Errors
///
/// Whatever the operating system refuses.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, |file| file.set_permissions(Permissions::from_mode(MODE)))
}

/// The same for a secret, which nobody but its owner may read at any moment.
///
/// The owner stays: who may read a secret is Envoy's user, and the one who replaces it may be root.
///
/// # Errors
///
/// Whatever the operating system refuses, and an old file that belongs to somebody else: Envoy
/// could not read the new one.
pub fn replace_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, |file| {
        file.set_permissions(Permissions::from_mode(SECRET_MODE))?;
        keep_owner(file, path)
    })
}

/// The same for a file that is there: its permissions and its owner stay.
///
/// # Errors
///
/// Whatever the operating system refuses, and a file that belongs to somebody else, unless root
/// replaces it.
pub fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    replace_with(path, bytes, |file| {
        file.set_permissions(permissions)?;
        keep_owner(file, path)
    })
}

fn keep_owner(file: &File, path: &Path) -> io::Result<()> {
    let owner = match fs::metadata(path) {
        Ok(old) => old.uid(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if file.metadata()?.uid() == owner {
        return Ok(());
    }
    fchown(file, Some(owner), None).map_err(|error| {
        let message = format!("the file belongs to user {owner}; run this as that user or as root");
        io::Error::new(error.kind(), message)
    })
}

fn replace_with(
    path: &Path,
    bytes: &[u8],
    permit: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Only a file of the same directory is sure to be of the same file system, where a rename
    // is one step. The name ends otherwise than in .mmdb, so that no pattern picks it up.
    let mut file =
        tempfile::Builder::new().prefix(".portolan-").suffix(".tmp").tempfile_in(directory)?;
    permit(file.as_file())?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The rename is a change of the directory.
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_reader_of_the_old_file_keeps_it_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("geoip.mmdb");
        replace(&path, b"the old and longer one").unwrap();
        let mut reader = File::open(&path).unwrap();
        replace(&path, b"the new one").unwrap();

        let mut seen = String::new();
        reader.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "the old and longer one");
        assert_eq!(fs::read(&path).unwrap(), b"the new one");
        assert_eq!(names(directory.path()), ["geoip.mmdb"]);
    }

    #[test]
    fn everybody_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("geoip.mmdb");
        replace(&path, b"x").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn a_secret_is_for_its_owner_alone_and_stays_theirs() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let found = || fs::metadata(&path).unwrap();
        replace_secret(&path, b"one").unwrap();
        assert_eq!(found().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        // Only root can give a file away.
        let given = fchown(File::open(&path).unwrap(), Some(65534), None).is_ok();
        let owner = found().uid();
        replace_secret(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(found().permissions().mode() & 0o777, 0o600, "the old mode was a mistake");
        assert_eq!(found().uid(), owner);
        assert!(!given || owner == 65534);
        assert_eq!(names(directory.path()), ["secret"]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("geoip.mmdb");
        fs::create_dir(&path).unwrap(); // a file cannot be renamed over a directory
        replace(&path, b"x").expect_err("a directory is in the way");
        assert_eq!(names(directory.path()), ["geoip.mmdb"]);
        replace(&directory.path().join("no/geoip.mmdb"), b"x").expect_err("no such directory");
    }
}
