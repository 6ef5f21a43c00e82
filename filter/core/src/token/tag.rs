//! Tags in the tokens of clients: each token names its auth domain.
//!
//! A token of one auth domain must never reach another, and the filter has no memory of the tokens
//! it passed on. So it writes the auth domain into each of them: `portolan~NAME~TOKEN`. All of that
//! may stand in a credential (`token68`, RFC 9110, section 11.2), and `~` may not stand in the
//! name of a backend, so that a dot or dash of a name is never taken for the end of it. To clients
//! a token is opaque ("Token Authentication Specification").

use serde_json::{Map, Value};

const START: &str = "portolan~";
const END: char = '~';

/// The fields of an answer that hold something a client sends back.
const FIELDS: [&str; 3] = ["token", "access_token", "refresh_token"];

/// A token service's answer with the tag on each of its tokens; every other field means what it
/// meant.
///
/// `None` if the body is not a JSON object with a token in it, if a token is not text, or if the
/// tag is not the name of a backend. Such an answer must not reach the client: what has no tag
/// belongs to nobody.
#[must_use]
pub fn tag_answer(body: &[u8], tag: &str) -> Option<Vec<u8>> {
    let mut answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut has_token = false;
    for field in FIELDS {
        match answer.get_mut(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(token)) => {
                has_token |= !token.is_empty();
                *token = tag_token(token, tag)?;
            }
            Some(_) => return None,
        }
    }
    has_token.then(|| serde_json::to_vec(&answer).ok()).flatten()
}

/// The tag of a token and the token without it; `None` if it has no tag.
#[must_use]
pub fn untag(token: &str) -> Option<(&str, &str)> {
    let (tag, rest) = token.strip_prefix(START)?.split_once(END)?;
    (is_tag(tag) && !rest.is_empty()).then_some((tag, rest))
}

/// An empty token stays empty: it is how some services say that there is none.
fn tag_token(token: &str, tag: &str) -> Option<String> {
    if token.is_empty() {
        return Some(String::new());
    }
    is_tag(tag).then(|| format!("{START}{tag}{END}{token}"))
}

fn is_tag(tag: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !tag.is_empty() && tag.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers() {
        let cases: &[(&str, Option<&str>, &str)] = &[
            (r#"{"token":"t"}"#, Some(r#"{"token":"portolan~a.b~t"}"#), "one token"),
            (
                r#"{"token":"t","access_token":"t","refresh_token":"r","expires_in":300,"scope":"x"}"#,
                Some(concat!(
                    r#"{"token":"portolan~a.b~t","access_token":"portolan~a.b~t","#,
                    r#""refresh_token":"portolan~a.b~r","expires_in":300,"scope":"x"}"#,
                )),
                "all that a client sends back, and nothing else; in order",
            ),
            (
                r#"{"access_token":"t","token":null,"refresh_token":"","x":{"token":"t"}}"#,
                Some(concat!(
                    r#"{"access_token":"portolan~a.b~t","token":null,"refresh_token":"","#,
                    r#""x":{"token":"t"}}"#,
                )),
                "what is none stays none; only the top",
            ),
            (r#"{"refresh_token":"r"}"#, Some(r#"{"refresh_token":"portolan~a.b~r"}"#), "ACR"),
            (
                r#"{"token":"portolan~x~t"}"#,
                Some(r#"{"token":"portolan~a.b~portolan~x~t"}"#),
                "a front behind a front",
            ),
            (r#"{"token":"t","access_token":7}"#, None, "a token that cannot be tagged"),
            (r#"{"token":["t"]}"#, None, "a token that cannot be tagged"),
            (r#"{"errors":[]}"#, None, "no token"),
            (r#"{"token":""}"#, None, "no token"),
            (r#"["t"]"#, None, "not an object"),
            ("<html>", None, "not JSON"),
        ];
        for (body, expected, reason) in cases {
            let found = tag_answer(body.as_bytes(), "a.b");
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{body}: {reason}");
        }
    }

    #[test]
    fn tags_that_are_not_names() {
        for tag in ["", "a~b", "a b", "a/b", "é"] {
            assert_eq!(tag_answer(br#"{"token":"t"}"#, tag), None, "{tag:?}");
        }
    }

    #[test]
    fn untagging() {
        let cases: &[(&str, Option<(&str, &str)>, &str)] = &[
            ("portolan~ghcr~t", Some(("ghcr", "t")), "plain"),
            ("portolan~a.b-c_d~h.p.s", Some(("a.b-c_d", "h.p.s")), "dots on both sides"),
            ("portolan~a~b~c", Some(("a", "b~c")), "the first tilde ends the name"),
            ("portolan~a~portolan~b~t", Some(("a", "portolan~b~t")), "one tag at a time"),
            ("portolan~a~", None, "no token"),
            ("portolan~~t", None, "no name"),
            ("portolan~a", None, "no end"),
            ("portolan~a/b~t", None, "not a name"),
            ("portolan.a~t", None, "another start"),
            ("Portolan~a~t", None, "case matters"),
            ("t", None, "no tag"),
            ("", None, "nothing"),
        ];
        for (token, expected, reason) in cases {
            assert_eq!(untag(token), *expected, "{token}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn a_tag_comes_off_as_it_went_on(
            tag in "[A-Za-z0-9][A-Za-z0-9._-]{0,8}",
            token in "[A-Za-z0-9._~+/-]{1,12}={0,2}",
        ) {
            let body = serde_json::json!({ "token": token });
            let tagged = tag_answer(body.to_string().as_bytes(), &tag).unwrap();
            let tagged: Value = serde_json::from_slice(&tagged).unwrap();
            prop_assert_eq!(untag(tagged["token"].as_str().unwrap()), Some((&*tag, &*token)));
        }
    }
}
