//! Prints challenges as the field lines of a `WWW-Authenticate` header.

use super::parameters::Parameters;
use super::scan::is_text;
use super::scheme::Challenge;

/// The challenges as field values, one for each line: first `Bearer`, then `Basic`, then the
/// others, each kind in its order.
///
/// Several clients read only the first line, or only the first challenge of a line, and some
/// only values in quotes; what is printed here, all of them read.
#[must_use]
pub fn print(challenges: &[Challenge]) -> Vec<Vec<u8>> {
    let mut sorted: Vec<&Challenge> = challenges.iter().collect();
    sorted.sort_by_key(|challenge| place(challenge));
    sorted.into_iter().map(print_one).collect()
}

const fn place(challenge: &Challenge) -> u8 {
    match challenge {
        Challenge::Bearer(_) => 0,
        Challenge::Basic(_) => 1,
        Challenge::Other(_) => 2,
    }
}

pub(super) fn print_one(challenge: &Challenge) -> Vec<u8> {
    match challenge {
        Challenge::Bearer(parameters) => print_known("Bearer", parameters),
        Challenge::Basic(parameters) => print_known("Basic", parameters),
        Challenge::Other(bytes) => bytes.clone(),
    }
}

fn print_known(scheme: &str, parameters: &Parameters) -> Vec<u8> {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    let space = if pairs.is_empty() { "" } else { " " };
    [scheme, space, &pairs.join(",")].concat().into_bytes()
}

/// `quoted-string` (RFC 9110 section 5.6.4). Bytes that may not stand in one are left out: a
/// line end in a name would begin a header of somebody else's choice.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for character in value.chars().filter(|it| u8::try_from(*it).is_ok_and(is_text)) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}
