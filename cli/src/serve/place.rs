//! The default path of the filter: where a package puts it, beside the command.

use std::env;
use std::path::{Path, PathBuf};

/// Where the command is in the image, and where a person puts it. Without `/proc` it cannot find
/// out by itself.
const USUAL: &str = "/usr/local/bin/portolan";

/// The directories where the filter may be, the likeliest first.
pub(super) fn filters() -> Vec<PathBuf> {
    let command = env::current_exe().unwrap_or_else(|_| PathBuf::from(USUAL));
    beside(&command)
}

/// `/usr/local/share/portolan` for `/usr/local/bin/portolan` (Filesystem Hierarchy Standard 3.0,
/// section 4.11), and the directory of the command itself, as in an unpacked release.
fn beside(command: &Path) -> Vec<PathBuf> {
    let Some(directory) = command.parent() else { return Vec::new() };
    let shared = directory.parent().map(|prefix| prefix.join("share/portolan"));
    let places = shared.into_iter().chain([directory.to_owned()]);
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_where_a_package_or_a_release_has_it() {
        let rows: [(&str, &[&str]); 3] = [
            ("/usr/local/bin/portolan", &["/usr/local/share/portolan", "/usr/local/bin"]),
            ("/portolan", &["/"]),
            ("/", &[]),
        ];
        for (command, expected) in rows {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(beside(Path::new(command)), expected, "{command}");
        }
    }
}
