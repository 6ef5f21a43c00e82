//! `portolan check`, from the outside: what it prints where, and its exit status.

use std::fs;

use crate::portolan::{Directory, Run};

const GOOD: &str = "\
version: 1
fronts:
  main: {hosts: [registry.example.com], default: true}
backends:
  ghcr:
    url: https://ghcr.io
  quay:
    url: https://quay.io
regions:
  cn: {countries: [CN]}
  no: {countries: [NO]}
  default: {}
rules:
  - name: drycc
    repositories: [drycc/**]
    owner: ghcr
    chains:
      cn: [quay]
      default: [ghcr]
clients: {geo: {database: /etc/portolan/geoip.mmdb}}
";

const OK: &str = "p.yaml: ok (1 rule, 2 backends, 3 regions, 1 front)\n";

/// Checks `GOOD` with one text replaced by another.
fn check(from: &str, to: &str) -> Run {
    assert!(GOOD.contains(from), "{from}");
    Directory::with(&[("p.yaml", &GOOD.replacen(from, to, 1))]).run(&["check", "p.yaml"])
}

fn run(status: i32, stdout: &str, stderr: &str) -> Run {
    Run { status, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

#[test]
fn a_good_policy_is_one_line() {
    assert_eq!(check("version", "version"), run(0, OK, ""));
}

#[test]
fn a_mistake_is_found_at_its_line_and_column() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("version: 1", "version: 2", "p.yaml:1:1: version: is 2; this release reads version 1 only"),
        ("version: 1\n", "", "p.yaml:1:1: `version` is missing; write `version: 1`"),
        ("default: true", "defualt: true", "p.yaml:3:41: fronts.main.defualt: there is no such field; did you mean `default`?"),
        ("default: true", "default: yes", "p.yaml:3:41: fronts.main.default: is the text `yes`; write `true`"),
        ("owner: ghcr", "owner: gcr", "p.yaml:16:5: rules[0].owner: there is no backend `gcr`; did you mean `ghcr`? The backends are `ghcr`, `quay`"),
        ("owner: ghcr", "owner: 7", "p.yaml:16:5: rules[0].owner: is a number; write the name of a backend"),
        ("cn: [quay]", "cn: [quay, quay]", "p.yaml:18:18: rules[0].chains.cn[1]: `quay` stands twice; a backend is tried once"),
        ("cn: [quay]", "cn: [quay, 7]", "p.yaml:18:18: rules[0].chains.cn[1]: is a number; write a name"),
        ("default: [ghcr]", "asia: [ghcr]", "p.yaml:19:7: rules[0].chains.asia: there is no region `asia`; the regions are `cn`, `default`, `no`\np.yaml:17:5: rules[0].chains: has no chain for `default`, `no`; write one for `default`, which serves every region without its own"),
        ("[CN]", "[156]", "p.yaml:10:20: regions.cn.countries[0]: is a number; write an ISO 3166-1 code of two letters such as `US`"),
        ("[NO]", "[no, NO]", "p.yaml:11:24: regions.no.countries[1]: the country `NO` stands twice; write it once"),
        ("[drycc/**]", "[**]", "p.yaml:15:20: there is no anchor for `**`; a text that starts with `*` must be in quotes: \"**\""),
        ("default: {}", "cn: {}", "p.yaml:12:3: the key `cn` stands twice in its mapping; keep one of the two"),
        ("    owner", "\towner", "p.yaml:16:2: a tab cannot indent YAML; indent with spaces"),
        ("owner: ghcr", "owner: !env OWNER", "p.yaml:16:12: a value with a tag (`!`) is not read; write the value alone"),
        ("    owner: ghcr", "    <<: {owner: ghcr}", "p.yaml:16:5: merge keys (`<<`) are not read; write the fields out, or repeat a whole value with an alias (`*name`)"),
        ("[drycc/**]", "[\"drycc/**x\"]", "p.yaml:15:20: rules[0].repositories[0]: `drycc/**x` has `**` inside of `**x`; it stands for whole components, and `*` for a part of one; write `drycc/*x`"),
        ("backends:", "backend:", "p.yaml:4:1: backend: there is no such field; did you mean `backends`?"),
        ("https://quay.io", "https://registry.example.com", "p.yaml:8:5: backends.quay.url: `registry.example.com` is a host of the front `main`, so each request would come back here and be sent again; write the address that the registry has without the front"),
        ("https://quay.io", "https://bob:secret@quay.io", "p.yaml:8:5: backends.quay.url: has a user name or a password in it, and URLs stand in logs; take it out, write them into a file of `credentials`, and its name as the backend's `credential`"),
        ("quay:", "https://bob:secret@quay.io:", "p.yaml:7:3: backends[\"https://…@quay.io\"]: the name is not valid; write a name of letters, digits, `-`, `_` and `.`, at most 63 long\np.yaml:18:12: rules[0].chains.cn[0]: there is no backend `quay`; the backends are `ghcr`, `https://…@quay.io`"),
        ("registry.example.com", "{{ .Values.host }}", "p.yaml:3:19: `{{ .Values.host }}` is a template that was not filled in; check what comes out of it"),
        ("regions:", "---\nregions:", "p.yaml:10:1: a second document starts here; a policy is one document, so take out the `---`"),
    ];
    for (from, to, expected) in rows {
        assert_eq!(check(from, to), run(1, "", &format!("{expected}\n")), "{from} -> {to}");
    }
}

#[test]
fn anchors_spare_repetition() {
    let policy = GOOD.replace("cn: [quay]", "cn: &nearest [quay]\n      no: *nearest");
    let directory = Directory::with(&[("p.yaml", &policy)]);
    assert_eq!(directory.run(&["check", "p.yaml"]), run(0, OK, ""));
}

/// Arguments end up in the logs of pipelines.
#[test]
fn no_command_prints_the_password_of_a_url() {
    let directory = Directory::with(&[("p.yaml", GOOD)]);
    let url = "https://bob:secret@r.example";
    let rows: [&[&str]; 4] = [
        &["compare-paths", url, "https://r.example", "--image", "a:b"],
        &["bench", "https://r.example", url, "--image", "a:b"],
        &["explain", "p.yaml", "GET", &format!("ftp{}", url.trim_start_matches("https"))],
        &["check", &format!("{url}/p.yaml")],
    ];
    for arguments in rows {
        let Run { status, stdout, stderr } = directory.run(arguments);
        let told = format!("{arguments:?}: {stdout}{stderr}");
        assert!(
            status != 0 && told.matches("secret").count() == 1,
            "only in the arguments: {told}"
        );
    }
}

#[test]
fn a_warning_fails_only_a_strict_check() {
    let policy = GOOD.replace("owner: ghcr", "owner: ghcr\n    tags_from: owner");
    let directory = Directory::with(&[("p.yaml", &policy)]);
    let warning = "p.yaml:19:7: warning: rules[0].chains.cn: tags come from the owner `ghcr`, but \
         digests cannot: what was just pushed fails until it is replicated; write `ghcr` at the \
         end of the chain\n";
    assert_eq!(directory.run(&["check", "p.yaml"]), run(0, OK, warning));
    assert_eq!(directory.run(&["check", "--strict", "p.yaml"]), run(1, "", warning));
}

const MISTAKE_AND_WARNING: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com]}}
backends: {a: {url: \"http://a.example\"}, b: {url: \"https://b.example\"}}
regions: {default: {}}
rules: [{name: r, repositories: [\"**\"], chains: {default: [a]}}]
";

#[test]
fn the_report_of_check_for_programs() {
    let bad = MISTAKE_AND_WARNING.replace("[a]", "[aa]");
    let directory = Directory::with(&[("p.yaml", MISTAKE_AND_WARNING), ("100%,bad.yaml", &bad)]);
    let found = directory.run(&["check", "--format", "json", "p.yaml", "100%,bad.yaml"]);
    assert_eq!((found.status, found.stderr.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((&json["kind"], &json["version"]), (&"portolan.check".into(), &1.into()));
    let policies = json["policies"].as_array().unwrap();
    let of = |pointer: &str| {
        policies.iter().map(|one| one.pointer(pointer).cloned()).collect::<Vec<_>>()
    };
    assert_eq!(of("/status"), [Some("ok".into()), Some("refused".into())]);
    assert_eq!(of("/summary/backends"), [Some(2.into()), None]);
    let first = &policies[0]["diagnostics"][0];
    assert_eq!(
        (&first["severity"], &first["line"], &first["column"], &first["path"]),
        (&"warning".into(), &3.into(), &16.into(), &"backends.a.url".into())
    );
    assert_eq!(policies[1]["diagnostics"].as_array().unwrap().len(), 1);
    assert_eq!(policies[1]["diagnostics"][0]["severity"], "error");

    let found = directory.run(&["check", "--format", "github", "p.yaml", "100%,bad.yaml"]);
    assert_eq!((found.status, found.stderr.as_str()), (1, ""));
    let starts = [
        "::warning file=p.yaml,line=3,col=16::backends.a.url: requests to `a.example`",
        "::warning file=p.yaml,line=3,col=42::backends.b: no rule uses this backend",
        "::error file=100%25%2Cbad.yaml,line=5,col=60::rules[0].chains.default[0]: there is no backend `aa`",
    ];
    let lines: Vec<&str> = found.stdout.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\n{start}");
    }
}

#[test]
fn a_quiet_check_says_why_it_fails_and_nothing_else() {
    let directory = Directory::with(&[("p.yaml", MISTAKE_AND_WARNING)]);
    assert_eq!(directory.run(&["check", "--quiet", "p.yaml"]), run(0, "", ""));
    let strict = directory.run(&["check", "--quiet", "--strict", "p.yaml"]);
    assert_eq!((strict.status, strict.stdout.as_str()), (1, ""));
    assert_eq!(strict.stderr.lines().count(), 2, "{}", strict.stderr);
}

#[test]
fn files_that_are_elsewhere_are_a_note() {
    let policy = GOOD.replace(
        "url: https://quay.io",
        "url: https://quay.io\n    tls: {ca_file: /nonexistent/ca.pem}",
    );
    let directory = Directory::with(&[("p.yaml", &policy)]);
    let note = "p.yaml:9:11: note: backends.quay.tls.ca_file: `/nonexistent/ca.pem` is not on this machine; Envoy \
         needs it where it runs, and `--files` insists on it\n";
    for arguments in [&["check", "p.yaml"][..], &["check", "--strict", "p.yaml"]] {
        assert_eq!(directory.run(arguments), run(0, OK, note), "{arguments:?}");
    }
    assert_eq!(directory.run(&["check", "--quiet", "p.yaml"]), run(0, "", ""));
    assert_eq!(directory.run(&["check", "--files", "p.yaml"]).status, 1);
}

/// The directory of the database is here, so that Envoy may run here.
#[test]
fn a_database_that_is_not_there_is_a_note_where_its_directory_is() {
    let directory = Directory::with(&[]);
    let file = directory.path("geoip.mmdb");
    let policy = GOOD.replace("/etc/portolan/geoip.mmdb", &file.display().to_string());
    fs::write(directory.path("p.yaml"), policy).unwrap();
    let found = directory.run(&["check", "--strict", "p.yaml"]);
    assert_eq!((found.status, found.stdout.as_str()), (0, OK));
    let expected = "note: clients.geo.database: `";
    assert!(found.stderr.contains(expected), "{}", found.stderr);
    assert!(found.stderr.contains("geoip.mmdb` is not on this machine"), "{}", found.stderr);
    fs::write(file, "there, which is all that is asked").unwrap();
    assert_eq!(directory.run(&["check", "p.yaml"]), run(0, OK, ""));
}

#[test]
fn json_is_checked_as_the_filter_reads_it() {
    let json = r#"{"version": 1, "fronts": {"main": {"hosts": ["r.example.com"]}},
  "backends": {"a": {"url": "https://a.example"}}, "regions": {"default": {}},
  "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["a"]}}]}"#;
    let rows = [
        (json.to_owned(), 0, ""),
        (
            json.replace(r#"["a"]"#, r#"["b"]"#),
            1,
            "p.json:3:76: rules[0].chains.default[0]: there is no backend `b`; the only backend is `a`\n",
        ),
        (
            json.replace("}}]}", "}},]}"),
            1,
            "p.json:3:83: this is not JSON: a comma stands before the closing bracket; take it out\n",
        ),
    ];
    for (json, status, stderr) in rows {
        let found = Directory::with(&[("p.json", &json)]).run(&["check", "p.json"]);
        assert_eq!((found.status, found.stderr.as_str()), (status, stderr), "{json}");
    }
}

#[test]
fn the_worst_of_several_policies_decides() {
    let bad = GOOD.replace("owner: ghcr", "owner: x");
    let directory = Directory::with(&[("p.yaml", GOOD), ("bad.yaml", &bad)]);
    let mistake =
        "bad.yaml:16:5: rules[0].owner: there is no backend `x`; the backends are `ghcr`, `quay`\n";
    let missing = "none.yaml: cannot be read: No such file or directory (os error 2)\n";
    let rows: [(&[&str], Run); 3] = [
        (&["check", "bad.yaml", "p.yaml"], run(1, OK, mistake)),
        (&["check", "none.yaml", "p.yaml"], run(2, OK, missing)),
        (&["check", "none.yaml", "bad.yaml"], run(2, "", &format!("{missing}{mistake}"))),
    ];
    for (arguments, expected) in rows {
        assert_eq!(directory.run(arguments), expected, "{arguments:?}");
    }
}

#[test]
fn the_standard_input_is_a_policy() {
    let directory = Directory::with(&[("n.yaml", "networks: {\"aws:x\": [10.0.0.0/8]}\n")]);
    let policy = GOOD.replace("version: 1", "version: 1\nnetwork_files: [n.yaml]");
    let found = directory.run_with(&["check", "-"], policy.as_bytes());
    assert_eq!(found, run(0, &OK.replace("p.yaml", "<stdin>"), ""));
    let found = directory.run_with(&["check", "-"], b"\xff");
    assert_eq!(
        found,
        run(1, "", "<stdin>:1:1: this is not UTF-8; save the file in that encoding\n")
    );
}
