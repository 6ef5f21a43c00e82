use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// A server that answers by path and keeps every request: path, and `Authorization` if there was
/// any.
struct Scripted {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicU32>,
}

type Seen = (String, Option<String>);

/// What to answer to a path: the whole answer, `Content-Length` included.
type Script = fn(path: &str, other: &str) -> String;

impl Scripted {
    /// `other` is another server, for redirects.
    fn new(script: Script, other: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let scripted = Self { url, seen: Arc::default(), connections: Arc::default() };
        let (seen, connections) = (Arc::clone(&scripted.seen), Arc::clone(&scripted.connections));
        let other = other.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::Relaxed);
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some((path, authorization)) = read_request(&mut reader) {
                    let answer = script(&path, &other);
                    seen.lock().unwrap().push((path, authorization));
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        scripted
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut lines = reader.lines().map_while(Result::ok);
    let first = lines.next().filter(|line| !line.is_empty())?;
    let path = first.split(' ').nth(1)?.to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let authorization = headers.iter().find_map(|line| line.strip_prefix("authorization: "));
    Some((path, authorization.map(str::to_owned)))
}

fn content(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 307 Go\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nmove")
}

fn options() -> ClientOptions {
    let trust = Trust::of_the_system().unwrap();
    ClientOptions { trust, timeout: Duration::from_secs(10), uses_proxy: false }
}

fn get(client: &Client, url: &str) -> Result<Answer, Fault> {
    let secret = Secret::new("Bearer s3cret".to_owned());
    client.send(&Ask { authorization: Some(&secret), ..Ask::get(url.parse().unwrap()) })
}

#[test]
fn credentials_stay_with_the_server_that_they_are_for() {
    // The other server sends the client back: it has lost what it may say there, too.
    let back: Script = |path, _| if path == "/store" { to("/stored") } else { content("x") };
    let other = Scripted::new(back, "");
    let script: Script = |path, other| match path {
        "/here" => to("/there"),
        "/away" => to(&format!("{other}/store")),
        _ => content("x"),
    };
    let registry = Scripted::new(script, &other.url);
    let client = Client::new(&options());

    let answer = get(&client, &format!("{}/here", registry.url)).unwrap();
    assert_eq!((answer.status, answer.hops.len()), (200, 2));
    answer.discard();
    let answer = get(&client, &format!("{}/away", registry.url)).unwrap();
    assert_eq!((answer.status, answer.hops.len()), (200, 3));
    assert_eq!(answer.url.to_string(), format!("{}/stored", other.url));

    let secret = Some("Bearer s3cret".to_owned());
    let with = |path: &str| (path.to_owned(), secret.clone());
    let without = |path: &str| (path.to_owned(), None);
    assert_eq!(registry.seen(), [with("/here"), with("/there"), with("/away")]);
    assert_eq!(other.seen(), [without("/store"), without("/stored")]);
}

#[test]
fn a_connection_is_measured_once_and_used_again() {
    let registry = Scripted::new(|_, _| content("x"), "");
    let client = Client::new(&options());
    let first = client.send(&Ask::get(registry.url.parse().unwrap())).unwrap();
    let [hop] = first.hops[..] else { panic!("{:?}", first.hops) };
    assert!(!hop.timings.connect.is_zero() && !hop.first_byte.is_zero(), "{hop:?}");
    first.discard();
    let second = client.send(&Ask::get(registry.url.parse().unwrap())).unwrap();
    assert_eq!(second.hops.first().unwrap().timings, ConnectTimings::default());
    second.discard();
    assert_eq!(registry.connections.load(Ordering::Relaxed), 1);
    drop(client);
    Client::new(&options()).send(&Ask::get(registry.url.parse().unwrap())).unwrap().discard();
    assert_eq!(
        registry.connections.load(Ordering::Relaxed),
        2,
        "another client, another connection"
    );
}

#[test]
fn redirects_end() {
    let script: Script = |path, _| match path {
        "/loop?signature=1" => to("/loop?signature=1"),
        "/ftp" => to("ftp://a.example/x?signature=1"),
        _ => "HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n".to_owned(),
    };
    let registry = Scripted::new(script, "");
    let rows = [
        ("/loop?signature=1", "/loop leads to more than 10 redirects"),
        ("/ftp", "/ftp redirects to ftp://a.example/x, where no client can follow"),
        ("/nowhere", "/nowhere redirects to nowhere, where no client can follow"),
    ];
    for (path, wanted) in rows {
        let fault = get(&Client::new(&options()), &format!("{}{path}", registry.url)).unwrap_err();
        assert_eq!(fault.to_string(), format!("{}{wanted}", registry.url));
    }
}

#[test]
fn a_body_is_not_longer_than_what_is_asked_for() {
    let registry = Scripted::new(|_, _| content("12345"), "");
    let rows = [(5, Some(&b"12345"[..])), (4, None)];
    for (limit, wanted) in rows {
        let answer = get(&Client::new(&options()), &registry.url).unwrap();
        assert_eq!(answer.into_bytes(limit).ok().as_deref(), wanted, "{limit}");
    }
}
