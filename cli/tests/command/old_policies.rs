//! Policies as earlier releases read them: whoever has one goes on with it. docs/upgrading.md says so.

use std::path::Path;

use crate::portolan::Directory;

#[test]
fn what_an_earlier_release_read_is_read() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies");
    let files: Vec<_> =
        std::fs::read_dir(&place).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "{}", place.display());
    for file in files {
        let path = file.to_str().unwrap();
        let directory = Directory::with(&[]);
        let run = directory.run(&["check", "--quiet", path]);
        assert_eq!(run.status, 0, "{path}: {}", run.stderr);
        let output = directory.path("envoy");
        let files = ["render", path, "--target", "files", output.to_str().unwrap()];
        let run = directory.run(&files);
        assert_eq!(run.status, 0, "{path}: {}", run.stderr);
    }
}

/// As a policy of a later release would be refused; what is in force then stays so (docs/changing-the-policy.md).
#[test]
fn another_version_is_refused_with_the_one_that_is_read() {
    let directory = Directory::with(&[("portolan.yaml", "version: 2\n")]);
    let run = directory.run(&["check", "portolan.yaml"]);
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("version") && run.stderr.contains('1'), "{}", run.stderr);
}
