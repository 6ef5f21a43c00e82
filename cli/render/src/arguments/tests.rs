//! Lines as they are typed, and the options that they mean.

use clap::Parser;
use portolan_core::config::Config;
use portolan_policy_builder::Policy;
use serde_json::Value;

use super::*;
use crate::model::check::check;

#[derive(Debug, Parser)]
struct Shell {
    #[command(flatten)]
    arguments: RenderArgs,
}

const NOWHERE: &str = "{}";
const DATABASE: &str = r#"{"geo":{"database":"/policy.mmdb"}}"#;

fn options(line: &str, clients: &str) -> Result<Options, String> {
    let words = ["render", "p.yaml"].into_iter().chain(line.split_whitespace());
    let shell = Shell::try_parse_from(words).map_err(|error| error.to_string())?;
    let clients: Value = serde_json::from_str(clients).unwrap();
    let config = Policy::smallest().with("clients", clients).read_by(Config::from_json);
    let site = &shell.arguments.site;
    let options = site.options(config.clients().geo(), Target::Bootstrap, "id".to_owned());
    let checked = options.and_then(|options| check(&config, &options).map(|()| options));
    checked.map_err(|error| error.to_string())
}

#[test]
fn nothing_typed_is_a_proxy_on_port_8080() {
    let options = options("", NOWHERE).unwrap();
    assert_eq!(options.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(options.admin.to_string(), "127.0.0.1:9901");
    let filter = options.filter.unwrap();
    assert_eq!((filter.kind, &*filter.path), (FilterKind::Wasm, "/etc/portolan/portolan.wasm"));
    assert_eq!(options.geoip_database, None);
    assert_eq!(options.access_log, AccessLog::StandardOutput);
    assert_eq!(options.limits, Limits::USUAL);
    assert_eq!(options.envoy.to_string(), "1.40.0");
}

#[test]
fn wrong_lines_say_what_to_write() {
    let header =
        r#"{"trusted_proxies":["10.0.0.0/8"],"geo":{"headers":{"country":"x-envoy-country"}}}"#;
    let rows = [
        ("--admin 0.0.0.0:9901", NOWHERE, "is not a loopback address"),
        ("--admin [::]:9901", NOWHERE, "is not a loopback address"),
        ("--admin 9901", NOWHERE, "write one such as `127.0.0.1:9901`"),
        ("--listen 8080", NOWHERE, "or a port alone: `:8080`"),
        ("--max-connections 0", NOWHERE, "0 is not in 1.."),
        ("--envoy 1.2.3", NOWHERE, "tested are 1.39.3, 1.40.0"),
        ("--filter native", NOWHERE, "possible values: wasm, module"),
        ("--filter module --envoy 1.39.3", NOWHERE, "not run in Envoy 1.39.3; render for 1.40.0"),
        ("--filter module --envoy 1.40.1", NOWHERE, "not run in Envoy 1.40.1; render for 1.40.0"),
        ("--geoip-database /x.mmdb", NOWHERE, "`clients.geo.database`"),
        ("--geoip-database /x.csv", DATABASE, "ends in `.mmdb`"),
        ("--filter-configuration --without-wasm", DATABASE, "cannot be used with"),
        ("", header, "`x-envoy-country` of `clients.geo.headers` is Envoy's own"),
    ];
    for (line, clients, message) in rows {
        let said = options(line, clients).map(|_| ()).expect_err(line);
        assert!(said.contains(message), "{line}: {said}");
    }
}

#[test]
fn the_filter_is_the_one_that_is_typed() {
    let rows = [
        ("", Some((FilterKind::Wasm, "/etc/portolan/portolan.wasm"))),
        ("--wasm /w --module /m", Some((FilterKind::Wasm, "/w"))),
        ("--filter module", Some((FilterKind::Module, "/etc/portolan/libportolan.so"))),
        ("--filter module --wasm /w --module /m", Some((FilterKind::Module, "/m"))),
        ("--without-wasm", None),
    ];
    for (line, expected) in rows {
        let filter = options(line, NOWHERE).unwrap().filter;
        let found = filter.as_ref().map(|filter| (filter.kind, filter.path.as_str()));
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn the_database_is_the_options_before_the_policys() {
    let path = |line| options(line, DATABASE).unwrap().geoip_database;
    assert_eq!(path("").as_deref(), Some("/policy.mmdb"));
    assert_eq!(path("--geoip-database /other.mmdb").as_deref(), Some("/other.mmdb"));
}
