//! Header fields as they are typed.

/// A header field as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// In lower case.
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

impl Header {
    /// Reads `name: value`; the blanks around the value do not belong to it (RFC 9112 section 5).
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                Ok(Self {
                    name: name.to_ascii_lowercase(),
                    value: value.trim_matches([' ', '\t']).as_bytes().to_vec(),
                })
            }
            _ => Err("write a name, a colon and a value, such as `cf-ipcountry: CN`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_they_are_typed() {
        let rows = [
            ("cf-ipcountry: CN", Some(("cf-ipcountry", "CN"))),
            ("CF-IPCountry:CN", Some(("cf-ipcountry", "CN"))),
            ("a:\tb:c \t", Some(("a", "b:c"))),
            ("a:", Some(("a", ""))),
            ("a", None),
            (": b", None),
            ("a : b", None),
        ];
        for (text, expected) in rows {
            let expected =
                expected.map(|(name, value)| Header { name: name.to_owned(), value: value.into() });
            assert_eq!(Header::parse(text).ok(), expected, "{text}");
        }
    }
}
