//! The commands of pages: each runs, or the page or a table here says why not.

use std::fs;

use super::{pages, policies, portolan, prose, read};

/// A policy with all that pages without one of their own name in their commands.
const EXAMPLE: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com], upstreams: {docker.io: {library: true}, own: {prefix: \"\"}}, default_upstream: own}}
backends: {ghcr: {url: \"https://ghcr.io\"}, quay: {url: \"https://quay.io\"}}
regions: {cn: {countries: [CN]}, default: {}}
clients: {geo: {database: /etc/portolan/geoip.mmdb}}
rules: [{name: all, repositories: [\"**\"], chains: {cn: [quay, ghcr], default: [ghcr, quay]}, replicas: [quay], owner: ghcr}]
";

/// What is not run, and why; other commands of pages are. What a page itself says of a block,
/// `<!-- not run: why -->`, comes first.
const NOT_RUN: &[(&str, &str)] = &[
    ("portolan apply", "needs an Envoy that runs: integration/test_changing_commands.py"),
    ("portolan bench", "needs two registries: integration/test_measuring.py"),
    ("portolan compare-paths", "needs two registries: integration/test_measuring.py"),
    ("portolan credential", "writes where Envoy reads: cli/tests/command/credential.rs"),
    ("portolan doctor", "asks the servers of the policy: integration/test_doctor.py"),
    ("portolan drain", "needs an Envoy that runs: integration/test_changing_commands.py"),
    ("portolan drift", "asks the registries of the policy: integration/test_drift.py"),
    ("portolan geoip", "needs a database: geoip-data has its own tests"),
    ("portolan history", "needs what `apply` has left: integration/test_changing_commands.py"),
    ("portolan nearest", "measures the registries of the policy: integration/test_nearest.py"),
    ("portolan networks", "needs what a cloud publishes: cli/geography/src/networks/tests.rs"),
    ("portolan ready", "needs an Envoy that runs: cli/tests/command/serve.rs"),
    ("portolan rollback", "needs what `apply` has left: integration/test_changing_commands.py"),
    ("portolan serve", "serves until it is stopped: integration/test_first_pull.py"),
    ("portolan status", "needs an Envoy that runs: integration/test_status.py"),
    ("portolan cache", "asks nodes that run: integration/test_cache_commands.py"),
    ("portolan warm", "pulls from a front that runs: integration/test_warm.py"),
    ("cosign", "needs a release"),
    ("curl", "asks a front that runs"),
    ("docker", "needs a Docker daemon and a release"),
    ("envoy", "starts a server: integration does, in the same way"),
    ("make", "scripts/test and scripts/test-all run what each target calls"),
    ("skopeo", "needs registries"),
    ("systemctl", "changes the machine"),
    ("kubectl", "needs a cluster"),
    ("helm", "needs a cluster: make test-kubernetes"),
    ("crictl", "needs a node: make test-kubernetes"),
    ("cp", "changes the machine"),
    ("mkdir", "changes the machine"),
    ("tar", "needs a release"),
    ("useradd", "changes the machine"),
    ("apt-get", "changes the machine"),
    ("sha256sum", "needs a release"),
    ("jq", "reads a file of the user's"),
    ("cut", "reads a log"),
    ("cd", "is about the shell"),
    ("sleep", "waits"),
    ("for", "is a loop over machines"),
    ("*/10", "is a line of a crontab"),
    (".tools/venv/bin/python", "measures for minutes"),
    ("scripts/setup", "fetches tools"),
    ("geoip-data/fetch", "fetches a database"),
];

/// What begins lines of output that pages show, indented like commands.
const OUTPUT: &[&str] = &[
    "region",
    "cn",
    "default",
    "front",
    "upstream",
    "layers",
    "image",
    "backend",
    "main",
    "east",
    "west",
    "done",
    "portolan:",
    "server",
];

/// A block of a page that is indented by four blanks: its lines, and why it is not run, if the page
/// says so.
struct Block {
    lines: Vec<String>,
    reason: Option<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let joined = text.replace("\\\n", " ");
    let (mut blocks, mut reason, mut was_blank, mut is_open) =
        (Vec::<Block>::new(), None, true, false);
    for line in prose(&joined) {
        if let Some(rest) = line.strip_prefix("<!-- not run: ") {
            reason = Some(rest.trim_end_matches(" -->").to_owned());
            is_open = false;
        } else if let Some(code) = line.strip_prefix("    ").filter(|_| was_blank || is_open) {
            if !is_open {
                blocks.push(Block { lines: Vec::new(), reason: reason.take() });
            }
            is_open = true;
            blocks.last_mut().unwrap().lines.push(code.to_owned());
        } else if !line.trim().is_empty() {
            is_open = false;
            reason = None;
        }
        was_blank = line.trim().is_empty() || line.starts_with("<!--");
    }
    blocks
}

/// A line as a shell takes it apart: quotes keep blanks, `#` begins a comment. What it does with
/// the streams is left out.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '#' | '<' | '>' | '|') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn a_shells_words() {
    let rows: [(&str, &[&str]); 4] = [
        ("a 'b c' \"d\"  e # f", &["a", "b c", "d", "e"]),
        ("a b >c", &["a", "b"]),
        ("a - <b", &["a", "-"]),
        ("a '' | b", &["a", ""]),
    ];
    for (line, expected) in rows {
        assert_eq!(words(line), expected, "{line}");
    }
}

/// Whether a line is output, a comment or a file's text.
fn is_no_command(line: &str) -> bool {
    let first = line.split(' ').next().unwrap_or_default();
    let is_program = !first.is_empty()
        && !first.ends_with(':')
        && first.starts_with(|c: char| c.is_ascii_lowercase() || c == '.' || c == '*')
        && first.bytes().all(|byte| byte.is_ascii_graphic() && !b"{}=\",".contains(&byte))
        && !first.contains("://")
        && (!first.contains(':') || first == "portolan:");
    !is_program || OUTPUT.contains(&first)
}

fn reason(line: &str) -> Option<&'static str> {
    let found = NOT_RUN.iter().find(|(start, _)| {
        line.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    found.map(|(_, reason)| *reason)
}

#[test]
fn every_command_runs_or_says_why_not() {
    let (mut run, mut unknown) = (0, Vec::new());
    for page in pages() {
        let text = read(&page);
        let own = policies(&text).first().copied().unwrap_or(EXAMPLE).to_owned();
        let directory = tempfile::tempdir().unwrap();
        for block in blocks(&text) {
            if let Some(reason) = &block.reason {
                assert!(reason.len() > 10, "{page}: {reason}");
                continue;
            }
            for line in block.lines.iter().filter(|line| !line.starts_with(' ')) {
                if is_no_command(line) || reason(line).is_some() {
                    continue;
                }
                let Some(rest) = line.strip_prefix("portolan ") else {
                    unknown.push(format!("{page}: {line}"));
                    continue;
                };
                // Files of this machine are none of a test's, and these of the checkout are
                // rendered by another.
                let elsewhere = ["/etc/", "/usr/", "/var/", "/config/", " envoy/", "…"];
                if elsewhere.iter().any(|place| rest.contains(place)) {
                    continue;
                }
                let policy = directory.path().join("portolan.yaml");
                let _ = fs::remove_file(&policy);
                if !rest.starts_with("init") {
                    fs::write(&policy, &own).unwrap();
                }
                let done = portolan(directory.path(), &words(rest));
                let said = String::from_utf8_lossy(&done.stderr);
                assert!(done.status.success(), "{page}: portolan {rest}: {said}");
                run += 1;
            }
        }
    }
    assert!(unknown.is_empty(), "neither run nor with a reason: {unknown:#?}");
    assert!(run > 15, "{run}");
}
