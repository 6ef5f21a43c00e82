//! What every command of `portolan` has in common.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::portolan::Directory;

#[test]
fn help_and_version_are_results() {
    let directory = Directory::with(&[]);
    let rows: [(&[&str], &str); 23] = [
        (&[], "Commands:"),
        (&["doctor", "--help"], "Exit status:"),
        (&["warm", "--help"], "Exit status:"),
        (&["init", "--help"], "registries.yaml"),
        (&["completion", "bash"], "_portolan()"),
        (&["completion", "zsh"], "#compdef portolan"),
        (&["completion", "fish"], "complete -c portolan"),
        (&["--version"], "portolan 0."),
        (&["--help"], "Exit status:"),
        (&["check", "--help"], "Exit status:"),
        (&["explain", "--help"], "Exit status:"),
        (&["render", "--help"], "Exit status:"),
        (&["geoip", "--help"], "lookup"),
        (&["geoip", "build", "--help"], "--output"),
        (&["clients", "--help"], "registries.yaml"),
        (&["serve", "--help"], "--envoy-program"),
        (&["ready", "--help"], "Exit status:"),
        (&["bench", "--help"], "Exit status:"),
        (&["compare-paths", "--help"], "Exit status:"),
        (&["networks", "--help"], "import"),
        (&["credential", "--help"], "write"),
        (&["credential", "write", "--help"], "aws ecr get-login-password"),
        (&["networks", "import", "--help"], "aws"),
    ];
    for (arguments, expected) in rows {
        let found = directory.run(arguments);
        assert_eq!((found.status, found.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(found.stdout.contains(expected), "{arguments:?}: {}", found.stdout);
    }
}

#[test]
fn wrong_usage_is_status_2_and_no_result() {
    let directory = Directory::with(&[("p.yaml", "version: 1\n")]);
    let rows: [(&[&str], &str); 18] = [
        (&["man", "no-such-directory"], "cannot read or write"),
        (&["render", "p.yaml", "--listen", "8080"], "a port alone: `:8080`"),
        (&["chekc"], "'check'"),
        (&["check"], "<POLICY>"),
        (&["check", "--sterict", "p.yaml"], "'--strict'"),
        (&["explain", "p.yaml", "GET"], "<URL>"),
        (&["explain", "p.yaml", "GET", "/v2/", "--batch"], "cannot be used with"),
        (&["explain", "p.yaml", "GET", "/v2/", "--address", "x"], "--address"),
        (&["explain", "p.yaml", "GET", "/v2/", "--header", "x"], "a name, a colon and a value"),
        (&["explain", "-", "--batch"], "name a file for the policy"),
        (&["networks", "import", "akamai", "f"], "possible values"),
        (&["networks", "import", "aws", "no-such-file"], "no-such-file"),
        (&["geoip", "lookup", "none.mmdb", "192.0.2.1"], "none.mmdb"),
        (&["geoip", "install", "none.mmdb"], "--policy <POLICY>"),
        (&["geoip", "install", "none.mmdb", "--output", "o.mmdb"], "none.mmdb"),
        (&["geoip", "install", "n", "--output", "o", "--most-changed", "101"], "from 0 to 100"),
        (&["geoip", "update", "none.yaml", "--output", "o.mmdb"], "none.yaml"),
        (&["geoip", "audit", "p.yaml", "--published", "aws"], "PROVIDER=FILE"),
    ];
    for (arguments, expected) in rows {
        let found = directory.run(arguments);
        assert_eq!((found.status, found.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(found.stderr.contains(expected), "{arguments:?}: {}", found.stderr);
    }
}

#[test]
fn the_policy_may_be_named_by_the_environment() {
    let policy = "version: 1\nfronts: {f: {hosts: [h]}}\nbackends: {b: {url: \"https://b\"}}\n\
         regions: {default: {}}\nrules: [{name: r, repositories: [\"**\"], chains: {default: [b]}}]\n";
    let directory = Directory::with(&[("p.yaml", policy), ("q.yaml", "version: 2\n")]);
    let rows: [(&[&str], i32, &str); 5] = [
        (&["check"], 0, "p.yaml: ok"),
        (&["check", "q.yaml"], 1, ""),
        (&["explain", "pull", "a/b"], 0, "https://b"),
        (&["explain", "p.yaml", "pull", "a/b"], 0, "https://b"),
        (&["render", "--filter-configuration"], 0, "\"version\""),
    ];
    for (arguments, status, expected) in rows {
        let run = directory.command(arguments).env("PORTOLAN_POLICY", "p.yaml").output().unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        assert_eq!(run.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn each_command_has_a_manual_page() {
    let directory = Directory::with(&[]);
    let run = directory.run(&["man", "."]);
    assert_eq!((run.status, run.stderr.as_str(), run.stdout.as_str()), (0, "", ""));
    for (page, word) in [
        ("portolan.1", "portolan\\-check"),
        ("portolan-check.1", "strict"),
        ("portolan-geoip-build.1", "output"),
        ("portolan-explain.1", "all\\-regions"),
    ] {
        let text = std::fs::read_to_string(directory.path(page))
            .unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(word), "{page}: {text}");
    }
}

#[test]
fn a_closed_pipe_ends_a_command_without_an_error() {
    let policy = "version: 1\nfronts: {f: {hosts: [h]}}\nbackends: {b: {url: \"https://b\"}}\n\
         regions: {default: {}}\nrules: [{name: r, repositories: [\"**\"], chains: {default: [b]}}]\n";
    let directory = Directory::with(&[("p.yaml", policy)]);
    let many = vec!["p.yaml"; 2000];
    let commands: [&[&str]; 2] = [&["check"], &["explain", "p.yaml", "GET", "/v2/"]];
    for command in commands {
        let more: &[&str] = if command.len() == 1 { &many } else { &[] };
        let mut child = directory.command(&[command, more].concat()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn a_batch_ends_when_its_output_is_closed() {
    let policy = "version: 1\nfronts: {f: {hosts: [h]}}\nbackends: {b: {url: \"https://b\"}}\n\
         regions: {default: {}}\nrules: [{name: r, repositories: [\"**\"], chains: {default: [b]}}]\n";
    let directory = Directory::with(&[("p.yaml", policy)]);
    let mut command = directory.command(&["explain", "p.yaml", "--batch"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // The input never ends by itself: only the command's own end breaks this pipe.
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        while input.write_all(b"{\"method\":\"GET\",\"target\":\"/v2/\"}\n").is_ok() {}
    });
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"front\":\"f\""), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    writer.join().unwrap();
}
