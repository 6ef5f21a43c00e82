//! The user name and password of a client, without a password on the command line.

use std::fs;
use std::io::BufRead;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use portolan_core::config::{Backend, Config};
use portolan_core::token::Secret;

use crate::fault::Fault;

/// The variable with the password of both registries.
const PASSWORD: &str = "PORTOLAN_PASSWORD";

/// Whose login it is, the option with the user, and the variable with the password.
const SIDES: [(&str, &str, &str); 2] = [
    ("front", "--front-username", "PORTOLAN_FRONT_PASSWORD"),
    ("upstream", "--upstream-username", "PORTOLAN_UPSTREAM_PASSWORD"),
];

/// Who the client says it is. Without a user it is nobody, and gets what everybody gets.
///
/// A password is never an argument, since every user of the machine can read those of others.
#[derive(Debug, Default, Args)]
pub struct LoginArguments {
    /// The user at both registries; the password is in `PORTOLAN_PASSWORD`.
    #[arg(long, value_name = "USER", value_parser = user, help_heading = "Signing in")]
    username: Option<String>,
    /// The user at the front; the password is in `PORTOLAN_FRONT_PASSWORD`.
    #[arg(long, value_name = "USER", value_parser = user, help_heading = "Signing in")]
    front_username: Option<String>,
    /// The user at the upstream; the password is in `PORTOLAN_UPSTREAM_PASSWORD`.
    #[arg(long, value_name = "USER", value_parser = user, help_heading = "Signing in")]
    upstream_username: Option<String>,
    /// Read the passwords from the standard input instead, a line for each of the two registries
    /// that has a user, the front's first. A single line is for both.
    #[arg(long, help_heading = "Signing in")]
    password_stdin: bool,
}

/// Who a client of one registry says it is.
#[derive(Debug, Default, Args)]
pub struct OneLogin {
    /// The user; the password is in `PORTOLAN_PASSWORD`.
    #[arg(long, value_name = "USER", value_parser = user, help_heading = "Signing in")]
    username: Option<String>,
    /// Read the password from the first line of the standard input instead.
    #[arg(long, requires = "username", help_heading = "Signing in")]
    password_stdin: bool,
}

impl OneLogin {
    /// The login, if there is a user. `variable` reads the environment, `input` is where the
    /// password comes from if that was asked for.
    ///
    /// # Errors
    ///
    /// The user has no password; what to do.
    pub fn login(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        mut input: impl BufRead,
    ) -> Result<Option<Login>, String> {
        let Some(user) = &self.username else { return Ok(None) };
        let password = if self.password_stdin {
            let mut line = String::new();
            let read = input.read_line(&mut line);
            read.map_err(|error| format!("cannot read the password: {error}"))?;
            Some(line.trim_end_matches(['\r', '\n']).to_owned())
        } else {
            variable(PASSWORD)
        };
        let password = password.filter(|password| !password.is_empty());
        let password = password.ok_or_else(|| {
            format!("there is no password for {user}: set {PASSWORD}, or write it to the standard input with `--password-stdin`")
        })?;
        Ok(Some(Login { user: user.clone(), password: Secret::new(password) }))
    }
}

/// A user and the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: Secret,
}

impl Login {
    /// The login in a credential file: the base64 of `USER:PASSWORD` (docs/credentials.md). `None`
    /// if it is something else.
    pub(crate) fn of_file(text: &str) -> Option<Self> {
        let pair = String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some(Self { user: user.to_owned(), password: Secret::new(password.to_owned()) })
    }

    /// The value of an `Authorization` header (RFC 7617 section 2).
    pub(crate) fn basic(&self) -> Secret {
        let pair = format!("{}:{}", self.user, self.password.expose());
        Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair)))
    }
}

impl LoginArguments {
    /// The logins for the front and the upstream. `variable` reads the environment, `input` is
    /// where passwords come from if that was asked for.
    ///
    /// # Errors
    ///
    /// A user has no password; what to do.
    pub fn logins(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        input: impl BufRead,
    ) -> Result<[Option<Login>; 2], String> {
        let own = [&self.front_username, &self.upstream_username];
        let users = own.map(|own| own.as_ref().or(self.username.as_ref()));
        let mut lines = if self.password_stdin { Lines::read(input)? } else { Lines::default() };
        let mut logins = [None, None];
        for ((login, user), side) in logins.iter_mut().zip(users).zip(SIDES) {
            let Some(user) = user else { continue };
            let (_, _, own) = side;
            let password = if self.password_stdin {
                lines.next()
            } else {
                variable(own).or_else(|| variable(PASSWORD))
            };
            let password = password.filter(|password| !password.is_empty());
            let password = Secret::new(password.ok_or_else(|| missing(user, side))?);
            *login = Some(Login { user: user.clone(), password });
        }
        Ok(logins)
    }
}

/// The lines of the standard input, the last of them as often as it takes.
#[derive(Default)]
struct Lines {
    rest: std::vec::IntoIter<String>,
    last: Option<String>,
}

impl Lines {
    fn read(input: impl BufRead) -> Result<Self, String> {
        let lines: Result<Vec<String>, _> = input.lines().collect();
        let lines = lines.map_err(|error| format!("cannot read the passwords: {error}"))?;
        Ok(Self { rest: lines.into_iter(), last: None })
    }

    fn next(&mut self) -> Option<String> {
        self.last = self.rest.next().or(self.last.take());
        self.last.clone()
    }
}

fn missing(user: &str, (side, _, variable): (&str, &str, &str)) -> String {
    format!(
        "there is no password for {user} at the {side}: set {variable} or {PASSWORD}, or write it to \
         the standard input with `--password-stdin`"
    )
}

/// A user name has no colon: that is where the password begins (RFC 7617 section 2).
fn user(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(':') || text.contains(char::is_control) {
        let (_, option, _) = SIDES[0];
        return Err(format!(
            "write the name alone, such as `{option} robot`; the password is no argument"
        ));
    }
    Ok(text.to_owned())
}

/// The proxy's own login at a backend, if the policy names one.
///
/// # Errors
///
/// Its file cannot be read, or is no credential.
pub fn of_backend(config: &Config, backend: &Backend) -> Result<Option<Login>, Fault> {
    let named = |name: &str| config.credentials().iter().find(|one| one.name() == name);
    let Some(credential) = backend.credential().and_then(named) else { return Ok(None) };
    let file = credential.file();
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| Fault::new(format_args!("cannot read {file}: {error}")))?;
    let login = Login::of_file(&text);
    login.map(Some).ok_or_else(|| {
        Fault::new(format_args!("{file} is not the base64 of a user and a password"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row {
        /// `--username`, `--front-username`, `--upstream-username`.
        users: [Option<&'static str>; 3],
        variables: &'static [(&'static str, &'static str)],
        input: Option<&'static str>,
        /// For the front and the upstream.
        wanted: Result<[Option<&'static str>; 2], &'static str>,
        reason: &'static str,
    }

    #[test]
    fn logins() {
        const BOTH: &[(&str, &str)] = &[(PASSWORD, "p")];
        const EACH: &[(&str, &str)] = &[
            (PASSWORD, "p"),
            ("PORTOLAN_FRONT_PASSWORD", "f"),
            ("PORTOLAN_UPSTREAM_PASSWORD", "u"),
        ];
        #[rustfmt::skip]
        let rows = [
            Row { users: [None, None, None], variables: EACH, input: None, wanted: Ok([None, None]), reason: "nobody" },
            Row { users: [Some("a"), None, None], variables: BOTH, input: None, wanted: Ok([Some("a:p"), Some("a:p")]), reason: "the same at both" },
            Row { users: [Some("a"), None, None], variables: EACH, input: None, wanted: Ok([Some("a:f"), Some("a:u")]), reason: "passwords of their own" },
            Row { users: [Some("a"), Some("b"), None], variables: BOTH, input: None, wanted: Ok([Some("b:p"), Some("a:p")]), reason: "another user at the front" },
            Row { users: [None, None, Some("c")], variables: EACH, input: None, wanted: Ok([None, Some("c:u")]), reason: "only the upstream" },
            Row { users: [Some("a"), None, None], variables: &[], input: None, wanted: Err("no password for a at the front"), reason: "no password" },
            Row { users: [Some("a"), None, None], variables: &[(PASSWORD, "")], input: None, wanted: Err("no password"), reason: "an empty one" },
            Row { users: [Some("a"), None, None], variables: EACH, input: Some("one\n"), wanted: Ok([Some("a:one"), Some("a:one")]), reason: "one line for both" },
            Row { users: [Some("a"), None, None], variables: &[], input: Some("one\r\ntwo"), wanted: Ok([Some("a:one"), Some("a:two")]), reason: "a line each" },
            Row { users: [None, None, Some("c")], variables: &[], input: Some("one\ntwo\n"), wanted: Ok([None, Some("c:one")]), reason: "a line for who has a user" },
            Row { users: [None, Some("b"), None], variables: EACH, input: Some(""), wanted: Err("--password-stdin"), reason: "asked for and not there" },
        ];
        for row in rows {
            let [username, front_username, upstream_username] =
                row.users.map(|user| user.map(str::to_owned));
            let password_stdin = row.input.is_some();
            let arguments =
                LoginArguments { username, front_username, upstream_username, password_stdin };
            let variable = |name: &str| {
                let found = row.variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let found = arguments.logins(variable, row.input.unwrap_or_default().as_bytes());
            match (found, row.wanted) {
                (Ok(found), Ok(wanted)) => {
                    let found = found.map(|login| {
                        login.map(|login| format!("{}:{}", login.user, login.password.expose()))
                    });
                    assert_eq!(
                        found,
                        wanted.map(|login| login.map(str::to_owned)),
                        "{}",
                        row.reason
                    );
                }
                (Err(found), Err(wanted)) => {
                    assert!(found.contains(wanted), "{}: {found}", row.reason);
                }
                (found, _) => panic!("{}: {found:?}", row.reason),
            }
        }
    }

    #[test]
    fn basic_is_as_the_standard_has_it() {
        // RFC 7617 section 2, the example.
        let login =
            Login { user: "Aladdin".to_owned(), password: Secret::new("open sesame".to_owned()) };
        assert_eq!(login.basic().expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{login:?}").contains("sesame"));
    }

    #[test]
    fn the_login_of_one_registry() {
        let rows = [
            (None, false, None, "", Ok(None)),
            (Some("a"), false, Some("p"), "", Ok(Some("p"))),
            (Some("a"), true, Some("p"), "q\r\nr", Ok(Some("q"))),
            (Some("a"), false, None, "", Err("set PORTOLAN_PASSWORD")),
            (Some("a"), true, Some("p"), "", Err("set PORTOLAN_PASSWORD")),
        ];
        for (user, password_stdin, variable, input, expected) in rows {
            let one = OneLogin { username: user.map(str::to_owned), password_stdin };
            let found = one.login(|_| variable.map(str::to_owned), input.as_bytes());
            match (found, expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.as_ref().map(|one| one.password.expose()), expected);
                }
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{found:?}"),
            }
        }
    }

    #[test]
    fn a_credential_file() {
        let found = Login::of_file("QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n").unwrap();
        assert_eq!(found.basic().expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        for bad in ["", "Aladdin:open sesame", "QWxhZGRpbg=="] {
            assert!(Login::of_file(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_is_no_argument() {
        for bad in ["robot:secret", "", "a\nb"] {
            assert!(user(bad).is_err(), "{bad:?}");
        }
        assert_eq!(user("robot$ci").as_deref(), Ok("robot$ci"));
    }
}
