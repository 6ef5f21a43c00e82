//! The grammar of RFC 9110 word by word: every way in which a value can be derived.
//!
//! It tries all lengths of everything, so it is slow, and cannot prefer one reading to another.

use super::{Challenge, Parameters};

/// Everything that can stand at a place, each with the place behind it.
type Found<T> = Vec<(T, usize)>;

/// What follows a scheme: `token68`, or parameters.
#[derive(Clone, PartialEq)]
enum Rest {
    Token68,
    Parameters(Vec<(String, String)>),
}

/// The challenges of one value by every derivation; only different ones, so one for a value
/// that is not ambiguous.
pub(super) fn derive(value: &str) -> Vec<Vec<Challenge>> {
    let text = value.trim_matches([' ', '\t']).as_bytes();
    let whole = list(text, 0, &|at| challenges(text, at));
    let whole = whole.into_iter().filter(|(_, end)| *end == text.len());
    let mut found = Vec::new();
    for challenges in whole.filter_map(|(found, _)| found.into_iter().collect::<Option<Vec<_>>>()) {
        if !found.contains(&challenges) {
            found.push(challenges);
        }
    }
    found
}

/// `#element => [ element ] *( OWS "," OWS [ element ] )`
fn list<T: Clone>(text: &[u8], at: usize, element: &dyn Fn(usize) -> Found<T>) -> Found<Vec<T>> {
    let optional = |at: usize| -> Found<Option<T>> {
        let some = element(at).into_iter().map(|(one, end)| (Some(one), end));
        some.chain([(None, at)]).collect()
    };
    let mut done: Found<Vec<T>> = Vec::new();
    let mut open: Found<Vec<T>> =
        optional(at).into_iter().map(|(one, end)| (one.into_iter().collect(), end)).collect();
    while let Some((before, end)) = open.pop() {
        for comma in spaces(text, end).into_iter().filter(|at| text.get(*at) == Some(&b',')) {
            for start in spaces(text, comma + 1) {
                for (one, end) in optional(start) {
                    open.push((before.iter().cloned().chain(one).collect(), end));
                }
            }
        }
        done.push((before, end));
    }
    done
}

/// A challenge; `None` for one that the grammar allows and this crate does not take.
fn challenges(text: &[u8], at: usize) -> Found<Option<Challenge>> {
    let mut found = Vec::new();
    for end in run(text, at, is_token) {
        let scheme = std::str::from_utf8(&text[at..end]).unwrap();
        let mut rests = vec![(Rest::Parameters(Vec::new()), end)];
        for start in spaces(text, end).into_iter().filter(|start| *start > end) {
            rests.extend(token68(text, start).into_iter().map(|end| (Rest::Token68, end)));
            let parameters = list(text, start, &|at| parameter(text, at));
            rests.extend(parameters.into_iter().map(|(all, end)| (Rest::Parameters(all), end)));
        }
        found.extend(
            rests.into_iter().map(|(rest, end)| (taken(scheme, rest, &text[at..end]), end)),
        );
    }
    found
}

fn taken(scheme: &str, rest: Rest, whole: &[u8]) -> Option<Challenge> {
    let known = scheme.to_lowercase();
    let parameters = match rest {
        Rest::Token68 if known == "bearer" || known == "basic" => return None,
        Rest::Token68 => Parameters::default(),
        Rest::Parameters(all) => {
            let mut parameters = Parameters::default();
            for (name, value) in all {
                parameters.add(&name, &value)?;
            }
            parameters
        }
    };
    let ending = whole.iter().rposition(|byte| !b" \t,".contains(byte)).unwrap();
    Some(match known.as_str() {
        "bearer" => Challenge::Bearer(parameters),
        "basic" => Challenge::Basic(parameters),
        _ => Challenge::Other(whole[..=ending].to_vec()),
    })
}

/// `token BWS "=" BWS ( token / quoted-string )`
fn parameter(text: &[u8], at: usize) -> Found<(String, String)> {
    let mut found = Vec::new();
    for name_end in run(text, at, is_token) {
        let name = String::from_utf8(text[at..name_end].to_vec()).unwrap();
        for equals in spaces(text, name_end).into_iter().filter(|at| text.get(*at) == Some(&b'=')) {
            for start in spaces(text, equals + 1) {
                let tokens = run(text, start, is_token).into_iter();
                let tokens = tokens.map(|end| (text[start..end].to_vec(), end));
                for (value, end) in tokens.chain(quoted_string(text, start)) {
                    found.push(((name.clone(), String::from_utf8(value).unwrap()), end));
                }
            }
        }
    }
    found
}

fn quoted_string(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut at = text.get(at).filter(|byte| **byte == b'"').map(|_| at + 1)?;
    let mut value = Vec::new();
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'"', _) => return Some((value, at + 1)),
            (b'\\', escaped) => {
                value.push(*escaped?);
                at += 2;
            }
            (byte, _) => {
                value.push(*byte);
                at += 1;
            }
        }
    }
}

fn token68(text: &[u8], at: usize) -> Vec<usize> {
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let ends = run(text, at, is_character);
    let equals = |end: usize| [vec![end], run(text, end, |byte| byte == b'=')].concat();
    ends.into_iter().flat_map(equals).collect()
}

/// The ends of all runs of one byte or more.
fn run(text: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> Vec<usize> {
    (at + 1..=text.len()).take_while(|end| belongs(text[end - 1])).collect()
}

/// The ends of all runs of spaces and tabs, of none too.
fn spaces(text: &[u8], at: usize) -> Vec<usize> {
    [vec![at], run(text, at, |byte| b" \t".contains(&byte))].concat()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}
