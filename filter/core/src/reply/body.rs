//! The body of an answer, and the identifier of the request in errors.

use std::borrow::Cow;

use serde::Serialize;

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// It is handed over as it is.
    Text(String),
    /// An error (OCI distribution spec, "Error codes").
    Error {
        /// The spec's code, such as `NAME_UNKNOWN`.
        code: &'static str,
        /// What a person reads.
        message: String,
        /// The identifier of the request, where it is known.
        request_id: Option<String>,
    },
}

impl Body {
    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::Error { code, message: message.into(), request_id: None }
    }

    /// Whether it is an error, and so has a place for the identifier of the request.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    /// Has an error name the request that the log knows by `id`, the value of its `x-request-id`.
    /// It is in `detail`, which "MAY contain arbitrary JSON data providing information the client
    /// can use to resolve the issue" (OCI distribution spec, "Error codes"): clients show an error,
    /// and hide the headers of the answer.
    pub fn name_request(&mut self, id: &[u8]) {
        if let Self::Error { request_id, .. } = self {
            *request_id = shown(id).map(str::to_owned);
        }
    }

    /// The bytes of it, which are text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let (code, message, request_id) = match self {
            Self::Text(text) => return text.into(),
            Self::Error { code, message, request_id } => (code, message, request_id),
        };
        let detail = request_id.as_deref().map(|request_id| Detail { request_id });
        let errors = Errors { errors: [OneError { code, message, detail }] };
        // Nothing of it can fail to be JSON.
        serde_json::to_string(&errors).unwrap_or_default().into()
    }
}

/// The body of an error, in the order in which it is written. A refusal is not to cost what a pull
/// costs, so it is written at once, and no tree of JSON is made for it.
#[derive(Serialize)]
struct Errors<'b> {
    errors: [OneError<'b>; 1],
}

#[derive(Serialize)]
struct OneError<'b> {
    code: &'b str,
    message: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail<'b>>,
}

#[derive(Serialize)]
struct Detail<'b> {
    #[serde(rename = "requestId")]
    request_id: &'b str,
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A proxy before Envoy may have chosen the identifier. One that is longer than any known kind, or
/// that is not plain text, is not repeated.
fn shown(id: &[u8]) -> Option<&str> {
    const LONGEST: usize = 128;
    let is_plain = !id.is_empty() && id.len() <= LONGEST && id.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(id).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(body: &Body) -> Value {
        serde_json::from_str(&body.text()).unwrap()
    }

    #[test]
    fn an_error_says_which_request_it_is_about() {
        let named = |id| {
            let mut error = Body::error("DENIED", "no");
            error.name_request(id);
            parsed(&error)
        };
        let without = json!({"errors": [{"code": "DENIED", "message": "no"}]});
        let detail = |id: &str| json!({"errors": [{"code": "DENIED", "message": "no", "detail": {"requestId": id}}]});
        let longest = "i".repeat(128);
        #[rustfmt::skip]
        let rows: [(&[u8], &Value, &str); 8] = [
            (b"a-1", &detail("a-1"), "as it came"),
            (br#"","x":"\"#, &detail(r#"","x":"\"#), "nothing of it is taken for JSON"),
            (longest.as_bytes(), &detail(&longest), "the longest"),
            (&[b'i'; 129], &without, "as long as no identifier is"),
            (b"", &without, "none"),
            (b"a 1", &without, "no word"),
            (b"a\n1", &without, "a control character"),
            (b"\xff", &without, "no text"),
        ];
        for (id, expected, reason) in rows {
            assert_eq!(named(id), *expected, "{reason}");
        }
        assert_eq!(parsed(&Body::error("DENIED", "no")), without, "nobody has named it");
    }

    /// Clients read it with all kinds of readers: it is the same text that a tree of JSON makes.
    #[test]
    fn an_error_is_written_as_json_is() {
        for message in ["no", "", r#"a "name" \ é 😀"#, "\u{0}\n\u{1f}\u{7f}\u{2028}</script>"] {
            let mut error = Body::error("DENIED", message);
            let tree = json!({"errors": [{"code": "DENIED", "message": message}]});
            assert_eq!(error.text(), tree.to_string());
            error.name_request(b"a-1");
            let detail = json!({"requestId": "a-1"});
            let tree =
                json!({"errors": [{"code": "DENIED", "message": message, "detail": detail}]});
            assert_eq!(error.text(), tree.to_string());
        }
    }

    #[test]
    fn a_body_without_an_error_gets_no_request_identifier() {
        let mut body = Body::from("{}".to_owned());
        body.name_request(b"a-1");
        assert_eq!((&*body.text(), body.is_error()), ("{}", false));
    }
}
