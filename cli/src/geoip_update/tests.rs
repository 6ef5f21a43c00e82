//! A source that answers, and what comes of it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use clap::Parser;

use super::*;

/// A server of files by path, on a port of the kernel's.
fn serve(files: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let Some(Ok(first)) = lines.next() else { continue };
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let found =
                files.iter().find(|(name, _)| *name == path).map(|(_, content)| content.as_slice());
            let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
            let body = found.unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    format!("http://{address}")
}

#[derive(Debug, Parser)]
struct Shell {
    #[command(flatten)]
    arguments: UpdateArguments,
}

/// Updates from a source with these lines, where `URL` stands for the server; what is told.
fn updated(url: &str, directory: &Path, lines: &str) -> Result<String, String> {
    let source = directory.join("source.yaml");
    fs::write(&source, lines.replace("URL", url)).unwrap();
    let output = directory.join("geoip.mmdb");
    let line = format!("x {} --output {} --least-coverage 0", source.display(), output.display());
    let shell = Shell::try_parse_from(line.split(' ')).unwrap();
    let place = format!("{}/", directory.display());
    let told = |text: String| text.replace(&place, "").replace(url, "URL");
    update(&shell.arguments)
        .map(|installed| told(installed.to_string()))
        .map_err(|error| told(error.to_string()))
}

fn sha256(bytes: &[u8]) -> String {
    portolan_registry_client::content::sha256(bytes).replace("sha256:", "")
}

#[test]
fn a_fetched_database_is_verified_and_put_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let table = b"8.0.0.0/24,US,CA\n9.0.0.0/24,DE\n".to_vec();
    fs::write(place.join("table.csv"), &table).unwrap();
    fs::write(place.join("office.csv"), "8.0.0.128/25,FR\n").unwrap();
    let options = BuildOptions {
        inputs: vec![place.join("table.csv")],
        output: place.join("source.mmdb"),
        source: None,
        licence: None,
        date: Some("2026-06-01".parse().unwrap()),
        now: BuildDate::now(),
    };
    build(&options).unwrap();
    let database = fs::read(place.join("source.mmdb")).unwrap();
    let sum = sha256(&database);
    let month = BuildDate::now().month_before().to_string();
    let month = month.get(..7).unwrap_or_default();
    let url = serve(vec![
        ("/db.mmdb".into(), database.clone()),
        ("/db.mmdb.sha256".into(), format!("{sum}  db.mmdb\n").into_bytes()),
        (format!("/table-{month}.csv"), table.clone()),
        ("/bad.sha256".into(), b"<html>".to_vec()),
    ]);
    #[rustfmt::skip] // one row a case
    let rows = [
        (format!("url: URL/db.mmdb\nsha256: {sum}"), Ok("geoip.mmdb: data of 2026-06-01 is in place: 2 countries"), "a pinned one"),
        (format!("url: URL/db.mmdb\nsha256: {sum}"), Ok("geoip.mmdb: data of 2026-06-01 is there already"), "nothing new"),
        ("url: URL/db.mmdb\nsha256_url: URL/db.mmdb.sha256".into(), Ok("geoip.mmdb: data of 2026-06-01 is there already"), "a checksum beside it"),
        (format!("url: URL/db.mmdb\nsha256: {}", sum.replace(|c: char| c.is_ascii_digit(), "0")), Err("URL/db.mmdb has the SHA-256"), "another"),
        ("url: URL/db.mmdb\nsha256_url: URL/none.sha256".into(), Err("URL/db.mmdb has no proof: URL/none.sha256 answers 404"), "no checksum there"),
        ("url: URL/db.mmdb\nsha256_url: URL/bad.sha256".into(), Err("URL/db.mmdb `<html>` is no SHA-256"), "a page"),
        (format!("url: URL/none.mmdb\nsha256: {sum}"), Err("URL/none.mmdb answers 404"), "nothing there"),
        (format!("url: ftp://x/db.mmdb\nsha256: {sum}"), Err("`ftp://x/db.mmdb` is no URL"), "another scheme"),
        ("url: http://192.0.2.1/db.mmdb\nsha256_url: http://192.0.2.1/x".into(), Err("http://192.0.2.1/db.mmdb: a checksum that is fetched, and a password, need https"), "no proof at all"),
        (format!("url: URL/db.mmdb\nsha256: {sum}\nmend: [office.csv]"), Err("URL/db.mmdb is not put in place:\n  25.0 %"), "too much mended"),
        (format!("url: \"URL/table-{{year}}-{{month}}.csv\"\nsha256: {}", sha256(&table)), Ok("geoip.mmdb: data of "), "of the month before, a table"),
    ];
    for (lines, expected, reason) in rows {
        match (updated(&url, place, &lines), expected) {
            (Ok(found), Ok(start)) | (Err(found), Err(start)) => {
                assert!(found.starts_with(start), "{reason}: {found}");
            }
            (found, _) => panic!("{reason}: {found:?}"),
        }
    }
}
