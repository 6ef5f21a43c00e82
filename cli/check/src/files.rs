//! Files that a policy names: whether they exist, and how old their data is.

use std::fs::File;
use std::path::Path;

use portolan_command::date::BuildDate;
use portolan_command::policy_file::{Diagnostic, LoadedPolicy, join, view};
use portolan_core::config::{Document, Geo};
use portolan_geography::geoip::examine::Examined;
use portolan_geography::geoip::verdict;

/// The fields that name the file of a credential.
const CREDENTIALS: &str = "credentials";

/// Where the database of countries is named.
const DATABASE: &str = "clients.geo.database";

/// What is wrong with the files, and doubtful.
pub(super) fn of(policy: &LoadedPolicy, now: BuildDate) -> Vec<Diagnostic> {
    let mut named = Vec::new();
    names("", &policy.document, &mut named);
    let mut found: Vec<Diagnostic> =
        named.into_iter().filter_map(|(path, file)| unreadable(policy, &path, file)).collect();
    found.extend(database(policy, now));
    found.extend(old_networks(policy, now));
    found
}

/// The files of certificates and credentials that a policy names, each with the path of its field.
#[must_use]
pub fn named(policy: &LoadedPolicy) -> Vec<(String, String)> {
    let mut named = Vec::new();
    names("", &policy.document, &mut named);
    named.into_iter().map(|(path, file)| (path, file.to_owned())).collect()
}

/// Every path of a file in a document, with where it stands.
fn names<'d>(path: &str, document: &'d Document, named: &mut Vec<(String, &'d str)>) {
    for (key, value) in view::mapping(Some(document)) {
        let inside = join(path, key);
        let is_credential = key == "file" && path.starts_with(CREDENTIALS);
        match view::text(value) {
            Some(file) if key.ends_with("_file") || is_credential => named.push((inside, file)),
            _ => names(&inside, value, named),
        }
    }
}

/// The files that a policy names and that are not on this machine, in one line: where Envoy runs
/// they may well be. Few have the database where they write a policy, as it is fetched where Envoy
/// runs: it is missed only on a machine that has its directory.
pub(super) fn absent(policy: &LoadedPolicy) -> Option<Diagnostic> {
    let mut named = Vec::new();
    names("", &policy.document, &mut named);
    if let Geo::Database(file) = policy.config.clients().geo()
        && Path::new(file).parent().is_some_and(Path::is_dir)
    {
        named.push((DATABASE.to_owned(), file));
    }
    let mut absent = named.into_iter().filter(|(_, file)| !Path::new(file).exists());
    let (path, file) = absent.next()?;
    let more = match absent.count() {
        0 => "is".to_owned(),
        1 => "and one more file are".to_owned(),
        more => format!("and {more} more files are"),
    };
    let message = format!(
        "`{file}` {more} not on this machine; Envoy needs it where it runs, and `--files` insists on it"
    );
    Some(policy.note(&path, message))
}

/// A file that whoever runs this cannot read. Envoy may run as somebody else.
fn unreadable(policy: &LoadedPolicy, path: &str, file: &str) -> Option<Diagnostic> {
    let error = File::open(file).err()?;
    Some(policy.mistake(path, format!("`{file}` cannot be read: {error}")))
}

/// The database of countries: of no use at all, or doubtful.
fn database(policy: &LoadedPolicy, now: BuildDate) -> Vec<Diagnostic> {
    let Geo::Database(file) = policy.config.clients().geo() else { return Vec::new() };
    let database = match Examined::read(Path::new(file)) {
        Ok(database) => database,
        Err(error) => return vec![policy.mistake(DATABASE, error.to_string())],
    };
    let doubts = verdict::doubts(&database, now).into_iter();
    let mut found: Vec<Diagnostic> = doubts.map(|doubt| policy.warning(DATABASE, doubt)).collect();
    if !database.has_subdivisions() {
        found.extend(without_subdivisions(policy));
    }
    found
}

/// Regions by subdivision, where the database has none.
fn without_subdivisions(policy: &LoadedPolicy) -> impl Iterator<Item = Diagnostic> {
    let regions = view::mapping(view::field(&policy.document, "regions")).iter();
    let by_part =
        regions.filter(|(_, region)| !view::list(view::field(region, "subdivisions")).is_empty());
    by_part.map(|(name, _)| {
        let message = "the database knows no subdivisions, so that no client is placed by this; take one with \
             codes of ISO 3166-2, such as GeoLite2 City";
        policy.warning(&join(&join("regions", name), "subdivisions"), message.to_owned())
    })
}

/// Networks that were published long ago.
fn old_networks(policy: &LoadedPolicy, now: BuildDate) -> impl Iterator<Item = Diagnostic> {
    let old = policy.config.published().iter().filter(move |published| {
        let day = published.day.parse::<BuildDate>();
        day.is_ok_and(|day| day.days_before(now) > verdict::DAYS)
    });
    old.map(|published| {
        let message = format!(
            "are of {}, and older than {} days; import them again",
            published.day,
            verdict::DAYS
        );
        policy.warning(&join("networks_published", &published.source), message)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use portolan_command::policy_file;

    /// What is told of a policy with these lines; `DIR` stands for a directory with a database and
    /// a file.
    fn told(clients: &str, more: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let place = directory.path().display().to_string();
        fs::write(at("there.pem"), "x").unwrap();
        fs::write(at("flat.mmdb"), "no database").unwrap();
        fs::write(at("own.csv"), "192.0.2.0/24,US\n").unwrap();
        let options = portolan_geography::geoip::build::BuildOptions {
            inputs: vec![at("own.csv")],
            output: at("small.mmdb"),
            source: None,
            licence: None,
            date: Some("2026-06-01".parse().unwrap()),
            now: "2026-06-02".parse().unwrap(),
        };
        portolan_geography::geoip::build::build(&options).unwrap();
        let policy = format!(
            "version: 1\nfronts: {{m: {{hosts: [r.example]}}}}\nclients: {{{clients}}}\n{more}\n\
             rules: [{{name: r, repositories: [x], chains: {{default: [a]}}}}]\n"
        );
        fs::write(at("p.yaml"), policy.replace("DIR", &place)).unwrap();
        let loaded = policy_file::load(&at("p.yaml")).unwrap_or_else(|found| panic!("{found:?}"));
        let found = of(&loaded, "2026-09-01".parse().unwrap());
        let line = |one: Diagnostic| format!("{:?} {}: {}", one.severity, one.path, one.message);
        found.into_iter().map(line).map(|line| line.replace(&place, "DIR")).collect()
    }

    #[test]
    fn files_that_are_not_there_and_data_that_is_old() {
        const PLAIN: &str = "regions: {default: {}}\nbackends: {a: {url: \"https://a.example\"}}";
        #[rustfmt::skip] // one row a case
        let rows: [(&str, &str, &[&str]); 6] = [
            ("", PLAIN, &[]),
            ("", "regions: {default: {}}\nbackends: {a: {url: \"https://a.example\", tls: {ca_file: DIR/there.pem}}}", &[]),
            ("", "regions: {default: {}}\nbackends: {a: {url: \"https://a.example\", tls: {ca_file: DIR/no.pem}}}\ncredentials: {c: {file: DIR/no-secret}}\nnetworks_published: {aws: \"2026-06-30\", gcp: \"2026-07-01\"}", &[
                "Mistake backends.a.tls.ca_file: `DIR/no.pem` cannot be read: No such file or directory",
                "Mistake credentials.c.file: `DIR/no-secret` cannot be read",
                "Warning networks_published.aws: are of 2026-06-30, and older than 62 days",
            ]),
            ("geo: {database: DIR/none.mmdb}", PLAIN, &["Mistake clients.geo.database: cannot read DIR/none.mmdb"]),
            ("geo: {database: DIR/flat.mmdb}", PLAIN, &["Mistake clients.geo.database: DIR/flat.mmdb: not a MaxMind DB"]),
            ("geo: {database: DIR/small.mmdb}", "regions: {ca: {subdivisions: [US-CA]}, default: {}}\nbackends: {a: {url: \"https://a.example\"}}", &[
                "Warning clients.geo.database: it locates 0.0 % of the public IPv4 addresses",
                "Warning clients.geo.database: its data is of 2026-06-01, and older than 62 days",
                "Warning regions.ca.subdivisions: the database knows no subdivisions",
            ]),
        ];
        for (clients, more, expected) in rows {
            let found = told(clients, more);
            assert_eq!(found.len(), expected.len(), "{clients} {more}: {found:#?}");
            for (found, start) in found.iter().zip(expected) {
                assert!(found.starts_with(start), "{found} is not {start}");
            }
        }
    }
}
