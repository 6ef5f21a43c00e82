//! Envoy's admin interface, as commands ask it: over HTTP, past any proxy, each question on a
//! connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

/// The admin interface of one Envoy.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    address: SocketAddr,
    agent: Agent,
}

/// An answer of the admin interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status of the answer. Of `/ready` it is 503 while Envoy starts or drains.
    pub(crate) status: u16,
    /// The text of the answer.
    pub(crate) text: String,
}

/// How long a connection to it may take. It is on this machine, or on one that is near.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest answer that is read, in bytes. A dump of a policy with very many networks is some
/// ten MB.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

impl Admin {
    /// The interface at an address, which may take `timeout` for an answer: while Envoy compiles
    /// the filter it answers nobody.
    pub(crate) fn new(address: SocketAddr, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .timeout_connect(Some(CONNECT.min(timeout)))
            .proxy(None)
            .max_idle_connections(0)
            .http_status_as_error(false)
            .build();
        Self { address, agent: config.into() }
    }

    /// Its address.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it answers to `GET`.
    ///
    /// # Errors
    ///
    /// It does not answer, or not in time.
    pub(crate) fn get(&self, target: &str) -> Result<Answer, ureq::Error> {
        self.agent.get(self.url(target)).call().and_then(read)
    }

    /// What it answers to `POST`, by which it is told to do something.
    ///
    /// # Errors
    ///
    /// It does not answer, or not in time.
    pub(crate) fn post(&self, target: &str) -> Result<Answer, ureq::Error> {
        self.agent.post(self.url(target)).send_empty().and_then(read)
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }
}

fn read(mut answer: Response<Body>) -> Result<Answer, ureq::Error> {
    let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string()?;
    Ok(Answer { status: answer.status().as_u16(), text })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What comes of a question, if this is what the interface says to a request that begins so.
    fn asked(
        method: &'static str,
        said: &'static str,
        ask: impl Fn(&Admin) -> Result<Answer, ureq::Error>,
    ) -> Option<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = Admin::new(listener.local_addr().unwrap(), Duration::from_secs(5));
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let length = client.read(&mut head).unwrap();
            let head = std::str::from_utf8(head.get(..length).unwrap()).unwrap();
            assert!(head.starts_with(&format!("{method} /it HTTP/1.1\r\n")), "{head}");
            client.write_all(said.as_bytes()).unwrap();
        });
        let answer = ask(&admin).ok();
        server.join().unwrap();
        answer
    }

    #[test]
    fn every_status_is_an_answer() {
        let said = |status, text: &str| Some(Answer { status, text: text.to_owned() });
        let rows = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nOK\n", said(200, "OK\n")),
            ("HTTP/1.1 503 No\r\ncontent-length: 8\r\n\r\nDRAINING", said(503, "DRAINING")),
            ("no HTTP at all", None),
        ];
        for (text, expected) in rows {
            assert_eq!(asked("GET", text, |admin| admin.get("/it")), expected, "{text}");
            assert_eq!(asked("POST", text, |admin| admin.post("/it")), expected, "{text}");
        }
    }
}
