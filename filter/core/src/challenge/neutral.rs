//! Words that must not be in the realm and the service of a front.

/// Whether a text holds neither `basic` nor `bearer`, in any case of letters.
///
/// The OCI conformance client takes a challenge for the scheme whose name occurs last anywhere
/// in the line, in the realm, the service and the label too.
#[must_use]
pub fn is_neutral(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    !["basic", "bearer"].iter().any(|scheme| text.contains(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutral_texts() {
        let rows: &[(&str, bool, &str)] = &[
            ("https://registry.example.com/portolan/token", true, "a realm"),
            ("registry.example.com", true, "a service"),
            ("", true, "nothing"),
            ("basi c bear er", true, "not the words"),
            ("https://registry.example.com/basic", false, "in a path"),
            ("forbearers.example", false, "within a word"),
            ("BASIC", false, "upper case"),
            ("Bearer", false, "mixed case"),
        ];
        for (text, neutral, reason) in rows {
            assert_eq!(is_neutral(text), *neutral, "{text:?}: {reason}");
        }
    }
}
