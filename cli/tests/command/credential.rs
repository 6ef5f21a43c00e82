//! `portolan credential write`, from the outside: what is in the files, and who may read them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::portolan::{Directory, Run};

const WRITE: [&str; 6] = ["credential", "write", "--file", "robot", "--username", "Aladdin"];
/// The name and the password of RFC 7617 section 2.
const CONTENT: &str = "QWxhZGRpbjpvcGVuIHNlc2FtZQ==";

fn write(directory: &Directory, more: &[&str], input: &str) -> Run {
    directory.run_with(&[&WRITE[..], more].concat(), input.as_bytes())
}

fn read(directory: &Directory, name: &str) -> String {
    fs::read_to_string(directory.path(name)).unwrap()
}

fn silence() -> Run {
    Run { status: 0, stdout: String::new(), stderr: String::new() }
}

#[test]
fn the_password_comes_from_the_standard_input_or_a_file() {
    let directory = Directory::with(&[("password", "open sesame\n")]);
    for (more, input) in [(&[][..], "open sesame\n"), (&["--password-file", "password"][..], "")] {
        assert_eq!(write(&directory, more, input), silence());
        assert_eq!(read(&directory, "robot"), CONTENT);
        let mode = fs::metadata(directory.path("robot")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(directory.path("robot")).unwrap();
    }
}

#[test]
fn when_it_was_written_is_told_after_it_was() {
    let directory = Directory::with(&[]);
    let arguments = ["--timestamp-file", "robot.prom"];
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = now();
    assert_eq!(write(&directory, &arguments, "open sesame"), silence());
    let text = read(&directory, "robot.prom");
    let sample = text.lines().last().unwrap();
    let seconds = sample
        .strip_prefix("portolan_credential_written_timestamp_seconds{credential=\"robot\"} ")
        .unwrap_or_else(|| panic!("{text}"));
    assert!((before..=now()).contains(&seconds.parse().unwrap()), "{text}");
    let mode = fs::metadata(directory.path("robot.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "the collector is another user");

    fs::remove_file(directory.path("robot.prom")).unwrap();
    assert_eq!(write(&directory, &arguments, "").status, 1);
    assert!(!directory.path("robot.prom").exists(), "an alert about its age must come");
}

#[test]
fn a_refused_secret_leaves_the_old_credential_and_is_not_printed() {
    let directory = Directory::with(&[("robot", CONTENT)]);
    let rows: [(&[&str], &str, i32, &str); 5] = [
        (&[], "", 1, "error: the password is empty, and the old credential stays"),
        (&[], "planted\nsecret\n", 1, "error: the password has a control character in it"),
        (&["--password-file", "none"], "", 2, "error: cannot read the password from none: "),
        (&["--timestamp-file", "robot.txt"], "planted", 2, "does not end in `.prom`"),
        (&["../robot"], "planted", 2, "is not the name of a credential"),
    ];
    for (more, input, status, expected) in rows {
        let found = write(&directory, more, input);
        assert_eq!((found.status, found.stdout.as_str()), (status, ""), "{more:?}");
        assert!(found.stderr.contains(expected), "{more:?}: {}", found.stderr);
        assert!(!found.stderr.contains("planted"), "{more:?}: {}", found.stderr);
        assert_eq!(read(&directory, "robot"), CONTENT, "{more:?}");
    }
}

#[test]
fn a_credential_has_a_name_or_a_file() {
    let directory = Directory::with(&[]);
    let found = directory.run_with(&["credential", "write", "--username", "u"], b"p");
    assert_eq!(found.status, 2);
    assert!(found.stderr.contains("<NAME>"), "{}", found.stderr);
    let found = write(&directory, &["other", "--timestamp-file", "x.prom"], "p");
    assert_eq!(found, silence());
    assert!(read(&directory, "x.prom").contains("{credential=\"other\"}"), "its name goes first");
}
