//! Asks a person for what a first policy is made of.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use super::policy::Same;

/// What a person has answered: what the policy is made of, and the file for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) same: Same,
    /// The file to write.
    pub(super) output: PathBuf,
}

/// Asks, on `out`, and reads the answers from `input`, a line each.
///
/// # Errors
///
/// `input` or `out` fails; or, inside, no registry is named.
pub(super) fn ask(
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> io::Result<Result<Asked, String>> {
    let mut same = Same {
        repositories: vec!["**".to_owned()],
        database: "/etc/portolan/geoip.mmdb".to_owned(),
        ..Same::default()
    };
    let host = answer(input, out, "Which host do clients use? [localhost:8080] ")?;
    same.hosts = match host.as_str() {
        "" => vec!["localhost:8080".to_owned(), "127.0.0.1:8080".to_owned()],
        host => host.split([',', ' ']).filter(|one| !one.is_empty()).map(str::to_owned).collect(),
    };
    writeln!(
        out,
        "Which registries have the content? The one that is nearest to most clients first;"
    )?;
    writeln!(
        out,
        "a URL or NAME=URL a line, such as ghcr=https://ghcr.io, and an empty line at the end."
    )?;
    loop {
        let line = answer(input, out, "> ")?;
        if line.is_empty() {
            break;
        }
        same.registries.push(registry(&line));
    }
    if same.registries.is_empty() {
        return Ok(Err("a policy needs at least one registry".to_owned()));
    }
    if same.registries.len() > 1 {
        for (name, _) in same.registries.clone() {
            let question = format!(
                "Whose clients are nearest to {name}? Countries such as CN,SG; empty for none: "
            );
            let countries = answer(input, out, &question)?;
            if !countries.is_empty() {
                same.near.push((name, countries.to_ascii_uppercase()));
            }
        }
    }
    let owner = answer(input, out, "Which of them takes pushes? A name; empty for none: ")?;
    same.owner = (!owner.is_empty()).then_some(owner);
    let output = answer(input, out, "Where to write the policy? [portolan.yaml] ")?;
    let output = if output.is_empty() { "portolan.yaml".to_owned() } else { output };
    Ok(Ok(Asked { same, output: output.into() }))
}

fn answer(input: &mut impl BufRead, out: &mut impl Write, question: &str) -> io::Result<String> {
    write!(out, "{question}")?;
    out.flush()?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        writeln!(out)?;
    }
    Ok(line.trim().to_owned())
}

/// `ghcr=https://ghcr.io`, or a URL alone, whose host's first part is the name.
fn registry(line: &str) -> (String, String) {
    if let Some((name, url)) = line.split_once('=').filter(|(name, _)| !name.contains("://")) {
        return (name.trim().to_owned(), url.trim().to_owned());
    }
    let url = if line.contains("://") { line.to_owned() } else { format!("https://{line}") };
    let host = url.split("://").nth(1).unwrap_or_default();
    let name = host.split(['.', ':', '/']).next().unwrap_or_default();
    (name.to_owned(), url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &str) -> (Result<Asked, String>, String) {
        let mut out = Vec::new();
        let found = ask(&mut answers.as_bytes(), &mut out).unwrap();
        (found, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_conversation() {
        let answers = "r.example\nghcr=https://ghcr.io\nquay.io\n\n\ncn,sg\nghcr\nmine.yaml\n";
        let (found, said) = asked(answers);
        let found = found.unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found.same.hosts, ["r.example"]);
        assert_eq!(
            found.same.registries,
            [pair("ghcr", "https://ghcr.io"), pair("quay", "https://quay.io")]
        );
        assert_eq!(found.same.near, [pair("quay", "CN,SG")]);
        assert_eq!(found.same.owner.as_deref(), Some("ghcr"));
        assert_eq!(found.output, PathBuf::from("mine.yaml"));
        assert!(said.starts_with("Which host do clients use?"), "{said}");
    }

    #[test]
    fn answers_to_questions_that_end_early() {
        assert!(asked("").0.is_err());
        let found = asked("\na=http://127.0.0.1:5001\n").0.unwrap();
        assert_eq!(found.same.hosts, ["localhost:8080", "127.0.0.1:8080"]);
        assert_eq!((found.same.owner, found.output), (None, PathBuf::from("portolan.yaml")));
    }
}
