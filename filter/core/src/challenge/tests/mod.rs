//! Challenges that registries send, and properties of all others.

mod properties;
mod reading;
mod rewriting;
mod twin;

use super::*;

/// Values as the field lines of a header.
fn lines<'a>(values: &[&'a str]) -> Vec<&'a [u8]> {
    values.iter().map(|value| value.as_bytes()).collect()
}

fn texts(values: Vec<Vec<u8>>) -> Vec<String> {
    values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect()
}
