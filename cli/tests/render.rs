//! The configurations in `envoy/` are what the command renders, and a real Envoy takes them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: to panic is how they say that a test failed"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

/// The examples that are rendered as a whole.
const RENDERED: [&str; 3] = ["two-regions", "drycc", "registry-k8s-io"];
/// All of them.
const EXAMPLES: [&str; 4] = ["two-regions", "drycc", "registry-k8s-io", "by-hand"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn example(name: &str, file: &str) -> PathBuf {
    repository().join("envoy").join(name).join(file)
}

fn portolan(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_portolan")).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "portolan {}\n{errors}", arguments.join(" "));
    output
}

fn render(name: &str, more: &[&str]) -> String {
    let policy = example(name, "portolan.yaml");
    let mut arguments = vec!["render", policy.to_str().unwrap()];
    arguments.extend(more);
    String::from_utf8(portolan(&arguments).stdout).unwrap()
}

#[test]
fn the_examples_are_what_is_rendered() {
    for name in RENDERED {
        let path = example(name, "envoy.yaml");
        let found = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(repository()).unwrap().display();
        assert!(
            found == render(name, &[]),
            "{path} is not what is rendered now; if it should be: portolan render \
             envoy/{name}/portolan.yaml --output {path}, and look at the difference"
        );
    }
}

#[test]
fn a_file_is_what_would_be_printed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("envoy.yaml");
    let printed = render("drycc", &["--output", path.to_str().unwrap()]);
    assert_eq!(printed, "");
    assert_eq!(fs::read_to_string(path).unwrap(), render("drycc", &[]));
}

#[test]
fn a_file_of_json_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("envoy.json");
    assert_eq!(render("drycc", &["--output", path.to_str().unwrap()]), "");
    let json = fs::read_to_string(path).unwrap();
    assert!(serde_json::from_str::<Value>(&json).is_ok(), "Envoy reads it as JSON");
    let yaml = render("drycc", &[]);
    assert_eq!(Yaml::load_from_str(&json).unwrap(), Yaml::load_from_str(&yaml).unwrap());
}

/// The text behind the only `configuration:` of the hand-written file.
fn policy_in(envoy: &str) -> String {
    fn find(node: &Yaml<'_>) -> Option<String> {
        if let Some(items) = node.as_sequence() {
            return items.iter().find_map(find);
        }
        let policy =
            node.as_mapping_get("configuration").and_then(|found| found.as_mapping_get("value"));
        match policy.and_then(Yaml::as_str) {
            Some(text) => Some(text.to_owned()),
            None => node.as_mapping()?.values().find_map(find),
        }
    }
    let documents = Yaml::load_from_str(envoy).unwrap();
    find(&documents[0]).expect("the configuration of the filter")
}

#[test]
fn the_hand_written_envoy_holds_the_policy_beside_it() {
    let envoy = fs::read_to_string(example("by-hand", "envoy.yaml")).unwrap();
    let held: Value = serde_json::from_str(&policy_in(&envoy)).unwrap();
    let beside: Value =
        serde_json::from_str(&render("by-hand", &["--filter-configuration"])).unwrap();
    assert_eq!(held, beside);
}

#[test]
fn the_rendered_envoy_holds_the_filters_configuration() {
    for name in RENDERED {
        let mut held: Value = serde_json::from_str(&policy_in(&render(name, &[]))).unwrap();
        // What is rendered names its clusters by what they connect to, and has the filter do the
        // same.
        let names = held.as_object_mut().unwrap().remove("cluster_fingerprints");
        assert_eq!(names, Some(true.into()), "{name}");
        let own = render(name, &["--filter-configuration"]);
        assert_eq!(held, serde_json::from_str::<Value>(&own).unwrap(), "{name}");
    }
}

/// Envoy and the filter, where they have been built: `PORTOLAN_ENVOY` and `PORTOLAN_WASM`, else
/// where the scripts put them.
fn envoy_and_filter() -> Option<(PathBuf, PathBuf)> {
    let path = |variable: &str, usual: &str| {
        let named = std::env::var_os(variable).map(PathBuf::from);
        let usual = Some(repository().join(usual)).filter(|path| path.exists());
        named.or(usual)
    };
    let envoy = path("PORTOLAN_ENVOY", ".tools/bin/envoy")?;
    Some((envoy, path("PORTOLAN_WASM", "dist/portolan.wasm")?))
}

fn build_database(path: &Path) {
    let table = repository().join("geoip-data/synthetic.csv");
    let (path, table) = (path.to_str().unwrap(), table.to_str().unwrap());
    portolan(&["geoip", "build", "--date", "2026-06-01", "--output", path, table]);
}

/// Envoy's word on a configuration.
fn validate(envoy: &Path, name: &str, configuration: &Path) {
    let mut command = Command::new(envoy);
    command.args(["--mode", "validate", "--disable-hot-restart", "--config-path"]);
    let output = command.arg(configuration).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    assert!(!said.contains("eprecated"), "{name}: {said}");
}

fn say_that_nothing_was_tried() {
    let message = "not run: no Envoy or no filter; `make setup build` makes both";
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// A desk without Envoy runs the other tests; the integration suite, which builds what this one
/// only looks for, is part of the gate.
#[test]
fn envoy_takes_every_example() {
    let Some((envoy, filter)) = envoy_and_filter() else { return say_that_nothing_was_tried() };
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("geoip.mmdb");
    build_database(&database);
    for name in EXAMPLES {
        let text = fs::read_to_string(example(name, "envoy.yaml"))
            .unwrap()
            .replace("/etc/portolan/portolan.wasm", filter.to_str().unwrap())
            .replace("/etc/portolan/geoip.mmdb", database.to_str().unwrap());
        // Where its secrets are is of no machine; the integration suite puts some there.
        if text.contains("/etc/portolan/sds/") {
            continue;
        }
        let path = directory.path().join("envoy.yaml");
        fs::write(&path, text).unwrap();
        validate(&envoy, name, &path);
    }
}

/// Everything that a policy can say about who proves what to whom; `FRONT` is the front's `auth`.
const CREDENTIALS: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com], auth: FRONT}}
backends:
  hub:
    url: https://registry-1.docker.io
    auth: {token: {realm: \"https://auth.docker.io/token\", service: registry.docker.io}}
  ghcr: {url: \"https://ghcr.io\", auth: token, credential: robot}
  ecr:
    url: https://ecr.example
    auth: basic
    credential: aws
    tls: {ca_file: DIRECTORY/ca.pem, certificate_file: DIRECTORY/c.pem, key_file: DIRECTORY/c.key}
credentials:
  robot: {file: DIRECTORY/robot}
  aws: {file: DIRECTORY/aws}
regions: {default: {}}
rules:
  - {name: tokens, repositories: [\"hub/**\"], chains: {default: [hub]}}
  - {name: robot, repositories: [\"acme/**\"], readers: anyone, chains: {default: [ghcr]}}
  - {name: aws, repositories: [\"aws/**\"], readers: anyone, chains: {default: [hub, ecr]}}
";

#[test]
fn envoy_starts_before_the_files_of_credentials_exist() {
    let Some((envoy, filter)) = envoy_and_filter() else { return say_that_nothing_was_tried() };
    let fronts =
        ["managed", "{upstream: {login: hub}}", "{basic: {verifier: \"http://127.0.0.1:9080/\"}}"];
    for front in fronts {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (policy, output) = (path("portolan.yaml"), path("envoy.yaml"));
        let text = CREDENTIALS.replace("FRONT", front).replace("DIRECTORY", &path(""));
        fs::write(&policy, text).unwrap();
        portolan(&[
            "render",
            &policy,
            "--output",
            &output,
            "--wasm",
            filter.to_str().unwrap(),
            "--sds-output",
            &path("sds"),
            "--sds-directory",
            &path("sds"),
        ]);
        validate(&envoy, front, Path::new(&output));
    }
}

/// Every kind of redirect that is followed.
const REDIRECTS: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com]}}
backends:
  ghcr:
    url: https://ghcr.io
    redirect_handling: {cn: follow}
    followed_redirects: {hosts: [pkg-containers.githubusercontent.com, \"*.r2.example.com:8443\"]}
  near:
    url: http://127.0.0.1:5000
    redirect_handling: follow
    followed_redirects: {hosts: [\"minio:9000\", \"127.0.0.1:9000\", \"[::1]:9000\"], private_addresses: true, ca_file: DIRECTORY/ca.pem}
regions: {cn: {countries: [CN]}, default: {}}
clients: {geo: {database: DIRECTORY/geoip.mmdb}}
rules:
  - {name: all, repositories: [\"**\"], owner: near, chains: {default: [ghcr, near]}}
";

#[test]
fn envoy_takes_every_kind_of_redirect() {
    let Some((envoy, filter)) = envoy_and_filter() else { return say_that_nothing_was_tried() };
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    build_database(&directory.path().join("geoip.mmdb"));
    let (policy, output, sds) = (path("portolan.yaml"), path("envoy.yaml"), path("sds"));
    fs::write(&policy, REDIRECTS.replace("DIRECTORY/", &path(""))).unwrap();
    let wasm = filter.to_str().unwrap();
    portolan(&[
        "render",
        &policy,
        "--output",
        &output,
        "--wasm",
        wasm,
        "--sds-output",
        &sds,
        "--sds-directory",
        &sds,
    ]);
    validate(&envoy, "redirects", Path::new(&output));
}
