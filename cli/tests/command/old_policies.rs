//! Policies as earlier releases read them: whoever has one goes on with it. docs/upgrading.md says
//! so.

use std::path::Path;

use crate::portolan::Directory;

#[test]
fn policies_of_earlier_releases_are_read() {
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

/// As a policy of a later release would be refused; what is in force then stays so
/// (docs/changing-the-policy.md).
#[test]
fn another_version_is_refused_with_the_one_that_is_read() {
    let directory = Directory::with(&[("portolan.yaml", "version: 2\n")]);
    let run = directory.run(&["check", "portolan.yaml"]);
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("version") && run.stderr.contains('1'), "{}", run.stderr);
}

/// Two rules, of which the second one has a field by the name of an earlier release.
fn policy(rule: &str) -> String {
    format!(
        "version: 1\nfronts: {{main: {{hosts: [registry.example.com]}}}}\n\
         backends: {{a: {{url: \"https://a.example\"}}}}\nregions: {{default: {{}}}}\n\
         rules:\n- {{name: one, repositories: [one/**], chains: {{default: [a]}}}}\n\
         - {{name: two, repositories: [\"**\"], chains: {{default: [a]}},\n   {rule}}}\n"
    )
}

#[test]
fn an_old_name_is_read_and_the_new_one_is_told() {
    let old = policy("redirect: {classes: [blobs]}");
    let new = policy("client_redirects: {classes: [blobs]}");
    let directory = Directory::with(&[("old.yaml", &old), ("new.yaml", &new)]);
    let run = directory.run(&["check", "old.yaml"]);
    let told = "old.yaml:8:4: warning: rules[1].client_redirects: `redirect` is called `client_redirects` now; `portolan check --fix` writes that\n";
    assert_eq!((run.status, run.stderr.as_str()), (0, told));
    assert_eq!(directory.run(&["check", "--strict", "old.yaml"]).status, 1);
    let filter = |file| directory.run(&["render", file, "--filter-configuration"]).stdout;
    assert_eq!(filter("old.yaml"), filter("new.yaml"), "the filter gets the new name");
}

#[test]
fn both_names_at_once_are_a_mistake() {
    let both = policy("client_redirects: {classes: [blobs]}, redirect: {classes: [tags]}");
    let run = Directory::with(&[("p.yaml", &both)]).run(&["check", "p.yaml"]);
    let told = "p.yaml:8:42: rules[1].redirect: was the name of `client_redirects` in earlier releases, which stands here, too; keep one of the two\n";
    assert_eq!((run.status, run.stderr.as_str()), (1, told));
}

#[test]
fn fix_writes_the_new_names_into_every_file_and_nothing_else() {
    let whole = "# ours\nversion: 1\ninclude: [parts]\nfronts: {main: {hosts: [registry.example.com]}}\nregions: {default: {}}\n";
    let backends = "backends:\n  a:  # near\n    url: \"https://a.example\"\n    redirects:   follow\n    follow: {hosts: [cdn.example]} # follow: them\n";
    let rules = "{\"rules\": [{\"name\": \"redirect\", \"repositories\": [\"**\"],\n  \"chains\": {\"default\": [\"a\"]}, \"redirect\" : {\"classes\": [\"blobs\"]}}]}\n";
    let files = [("p.yaml", whole), ("parts/a.yaml", backends), ("parts/b.json", rules)];
    let directory = Directory::with(&files);
    let run = directory.run(&["check", "--fix", "p.yaml"]);
    let told = [
        "parts/a.yaml:4:5: note: backends.a.redirect_handling: `redirect_handling` is written in place of `redirects`\n",
        "parts/a.yaml:5:5: note: backends.a.followed_redirects: `followed_redirects` is written in place of `follow`\n",
        "parts/b.json:2:33: note: rules[0].client_redirects: `client_redirects` is written in place of `redirect`\n",
    ];
    assert_eq!((run.status, run.stderr.as_str()), (0, told.concat().as_str()));
    assert!(run.stdout.starts_with("p.yaml: ok (1 rule, 1 backend"), "{}", run.stdout);
    let expected = [
        whole.to_owned(),
        backends
            .replace("redirects:", "redirect_handling:")
            .replace("  follow: {", "  followed_redirects: {"),
        rules.replace("\"redirect\" :", "\"client_redirects\" :"),
    ];
    for ((file, _), expected) in files.iter().zip(expected) {
        assert_eq!(std::fs::read_to_string(directory.path(file)).unwrap(), expected, "{file}");
    }
    let again = directory.run(&["check", "--fix", "p.yaml"]);
    assert_eq!((again.status, again.stderr.as_str()), (0, ""));
}

#[test]
fn fix_changes_nothing_where_it_cannot_change_all() {
    let escaped = policy("\"re\\u0064irect\": {classes: [blobs]}");
    let directory = Directory::with(&[("p.yaml", &escaped)]);
    let run = directory.run(&["check", "--fix", "p.yaml"]);
    let told = "p.yaml:8:4: rules[1].client_redirects: `redirect` is called `client_redirects` now; write that by hand, as the key alone\n";
    assert_eq!((run.status, run.stderr.as_str()), (1, told));
    assert_eq!(std::fs::read_to_string(directory.path("p.yaml")).unwrap(), escaped);
    let run = directory.run(&["check", "--fix", "-"]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (2, "<stdin>: the standard input cannot be changed; name a file to `--fix`\n")
    );
}
