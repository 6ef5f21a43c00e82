//! The little of XML that S3's answers and one request need.

/// The text of the first element of a name that has no attributes; `None` if there is none.
///
/// S3's answers have each of the elements that are read here once, without comments or sections.
pub(in crate::copy) fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(unescape(text))
}

/// Text of an element.
pub(in crate::copy) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        let error = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>&quot;a&quot; &amp;lt; b</Message></Error>";
        let rows = [
            ("Code", Some("AccessDenied")),
            ("Message", Some("\"a\" &lt; b")),
            ("RequestId", None),
        ];
        for (name, expected) in rows {
            assert_eq!(element(error, name).as_deref(), expected, "{name}");
        }
        assert_eq!(element("<Code>open", "Code"), None);
        assert_eq!(escape("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}
