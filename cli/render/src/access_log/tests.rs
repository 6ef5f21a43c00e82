//! The documentation has every field.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan_core::config::Config;
use portolan_policy_builder::{Backend, Front, Policy, Rule};

use super::*;
use crate::options::Options;
use crate::tests::options;

/// A policy that has something to say in every field.
fn config() -> Config {
    let main = Front::at(["r.example"]).with("upstreams", json!({"hub": {"prefix": "hub/"}}));
    let users = Rule::of("users").repositories(["**"]).fronts(["users"]).readers("authenticated");
    let all = Rule::all().fronts(["main"]).chain(["a"]);
    Policy::new()
        .front("main", main)
        .front("users", Front::at(["u.example"]).passwords_of("https://v.example"))
        .backend("a", Backend::at("https://a.example").followed_to(["cdn.example"]))
        .with("caches", json!({"near": {"nodes": ["http://192.0.2.1:8300"]}}))
        .rule(all.with("client_redirects", json!({"classes": ["blobs"]})))
        .rule(users.chain(["cache@near", "a"]))
        .read_by(Config::from_json)
}

fn fields_of(log: &Value) -> BTreeSet<String> {
    let format = log["typed_config"]["log_format"]["json_format"].as_object();
    format.unwrap().keys().cloned().collect()
}

/// The names in the first column of the tables below a heading.
fn documented(text: &str, heading: &str) -> BTreeSet<String> {
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split(" | ").next().unwrap());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_documentation_lists_every_field_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/log.md");
    let text = fs::read_to_string(path).unwrap();
    let tracing = Some("http://127.0.0.1:4318".parse().unwrap());
    let options = Options { tracing, ..options(true, None) };
    let log = access_log(Needs::of(&config(), &options), Records::of(&options));
    assert_eq!(fields_of(&log), documented(&text, "Lines of requests"));
    assert_eq!(
        fields_of(&of_attempts(Records::of(&options))),
        documented(&text, "Lines of attempts")
    );
}
