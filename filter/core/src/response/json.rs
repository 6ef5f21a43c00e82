//! Strings of a JSON document, replaced where they stand: every other byte stays as it was.

use serde::de::IgnoredAny;

/// Where a string is.
pub(super) struct Place<'d> {
    /// How many objects and lists it is in.
    pub(super) depth: usize,
    /// The key whose value it is, or whose list it is in; not decoded, since no key that is looked for has
    /// an escape.
    pub(super) key: &'d [u8],
    /// Whether it is an item of a list.
    pub(super) in_list: bool,
}

/// What becomes of a string.
pub(super) enum Edit {
    /// It stays.
    Keep,
    /// It becomes this one.
    Replace(String),
    /// It is taken out of its list. What is in no list stays.
    Drop,
}

struct Level<'d> {
    is_list: bool,
    key: &'d [u8],
    /// Whether the next string is a key.
    wants_key: bool,
}

/// The document with its strings edited, keys not among them; `None` if it is no JSON, or stays as it is.
pub(super) fn edit(
    document: &[u8],
    mut change: impl FnMut(&Place<'_>, &str) -> Edit,
) -> Option<Vec<u8>> {
    serde_json::from_slice::<IgnoredAny>(document).ok()?;
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut edited = Vec::with_capacity(document.len());
    let mut rest = document;
    let mut changed = false;
    while let Some((first, after)) = rest.split_first() {
        if *first != b'"' {
            step(*first, &mut levels);
            edited.push(*first);
            rest = after;
            continue;
        }
        let (token, after) = split_string(rest)?;
        rest = after;
        let depth = levels.len();
        let level = levels.last_mut();
        if let Some(level) = level.filter(|level| level.wants_key) {
            level.key = token.get(1..token.len().checked_sub(1)?)?;
            level.wants_key = false;
            edited.extend_from_slice(token);
            continue;
        }
        let place = place_of(&levels, depth);
        let text: String = serde_json::from_slice(token).ok()?;
        match change(&place, &text) {
            Edit::Drop if place.in_list => {
                changed = true;
                rest = close_gap(&mut edited, rest);
            }
            Edit::Replace(other) if other != text => {
                changed = true;
                edited.extend(serde_json::to_vec(&other).ok()?);
            }
            _ => edited.extend_from_slice(token),
        }
    }
    changed.then_some(edited)
}

fn step<'d>(byte: u8, levels: &mut Vec<Level<'d>>) {
    match byte {
        b'{' => levels.push(Level { is_list: false, key: b"", wants_key: true }),
        b'[' => {
            let key = levels.last().map_or(&b""[..], |level| level.key);
            levels.push(Level { is_list: true, key, wants_key: false });
        }
        b'}' | b']' => drop(levels.pop()),
        b',' => {
            if let Some(level) = levels.last_mut() {
                level.wants_key = !level.is_list;
            }
        }
        _ => {}
    }
}

fn place_of<'d>(levels: &[Level<'d>], depth: usize) -> Place<'d> {
    let level = levels.last();
    Place {
        depth,
        key: level.map_or(&b""[..], |level| level.key),
        in_list: level.is_some_and(|level| level.is_list),
    }
}

/// A string with its quotes, and what follows it.
fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return bytes.split_at_checked(index.checked_add(1)?),
            _ => {}
        }
    }
    None
}

/// Takes out one of the commas beside an item that is left out.
fn close_gap<'d>(edited: &mut Vec<u8>, rest: &'d [u8]) -> &'d [u8] {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let start = rest.iter().position(|byte| !is_space(byte)).unwrap_or(rest.len());
    let after = rest.get(start..).unwrap_or_default();
    if let Some(after) = after.strip_prefix(b",") {
        return after;
    }
    while edited.last().is_some_and(is_space) {
        edited.pop();
    }
    if edited.last() == Some(&b',') {
        edited.pop();
        while edited.last().is_some_and(is_space) {
            edited.pop();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Upper case for what is at `depth` below `key`; `x` is taken out.
    fn edited(document: &str) -> Option<String> {
        let found = edit(document.as_bytes(), |place, text| match (text, place.key) {
            ("x", _) if place.in_list || place.key != b"name" => Edit::Drop,
            (text, b"name") => Edit::Replace(format!("{}{}", text.to_uppercase(), place.depth)),
            _ => Edit::Keep,
        });
        found.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn documents() {
        #[rustfmt::skip]
        let rows: &[(&str, Option<&str>, &str)] = &[
            (r#"{"name":"a","tags":["a"]}"#, Some(r#"{"name":"A1","tags":["a"]}"#), "by key"),
            (" { \"name\" : \"a\" , \"n\" : 1.0e0 }\n", Some(" { \"name\" : \"A1\" , \"n\" : 1.0e0 }\n"), "every other byte stays"),
            (r#"{"a":{"name":"b"},"name":["c",{"name":"d"},"e"]}"#, Some(r#"{"a":{"name":"B2"},"name":["C2",{"name":"D3"},"E2"]}"#), "deeper, and in lists"),
            (r#"{"name":"\"\\\/\u00e9"}"#, Some(r#"{"name":"\"\\/É1"}"#), "escapes"),
            (r#"["x","a","x","b","x"]"#, Some(r#"["a","b"]"#), "items taken out"),
            (r#"["x"]"#, Some("[]"), "all of them"),
            ("[ \"x\" , \"a\" , \"x\" ]", Some("[  \"a\" ]"), "with spaces"),
            (r#"{"a":"x","b":"y"}"#, None, "a value that is no item stays"),
            (r#"{"x":"name","y":"name"}"#, None, "words where no key is"),
            (r#"{"name":"A1"}"#, Some(r#"{"name":"A11"}"#), "again"),
            (r#""a""#, None, "a string"),
            ("null", None, "nothing"),
            ("", None, "no JSON"),
            (r#"{"name":"a""#, None, "cut"),
            (r#"{"name":"a"} x"#, None, "more than one document"),
            ("<html>\"name\":\"a\"</html>", None, "no JSON"),
            (r#"{"name":"\ud800"}"#, None, "half a character"),
        ];
        for (document, expected, reason) in rows {
            assert_eq!(edited(document).as_deref(), *expected, "{document}: {reason}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(edited(&deep), None, "no stack is that deep");
        assert_eq!(edit(b"{\"name\":\"\xff\"}", |_, _| Edit::Drop), None, "no text");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            edit(&bytes, |_, _| Edit::Drop);
        }

        #[test]
        fn what_comes_out_is_json_with_the_strings_that_were_meant(
            items in proptest::collection::vec("[ax,\\\\\"\\[\\]{}: ]{0,3}", 0..6),
            name in "[a-z\"\\\\]{0,5}",
        ) {
            let document = serde_json::json!({"items": items, "n": [1, {"name": name}], "z": null});
            let pretty = serde_json::to_string_pretty(&document).unwrap();
            let found = edited(&pretty).unwrap_or(pretty);
            let found: serde_json::Value = serde_json::from_str(&found).unwrap();
            let kept: Vec<&String> = items.iter().filter(|item| *item != "x").collect();
            let name = format!("{}3", name.to_uppercase());
            let expected = serde_json::json!({"items": kept, "n": [1, {"name": name}], "z": null});
            prop_assert_eq!(found, expected);
        }
    }
}
