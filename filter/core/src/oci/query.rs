//! The parameters of a query.
//!
//! Pairs are split at `&` and, inside, at the first `=`. Everything that is not asked for by
//! name stays byte for byte as it is. Keys are compared decoded, because the registry behind the
//! proxy decodes them too: `%66rom=x` is `from=x`.

use std::borrow::Cow;

use super::percent;

/// The longest value that is decoded, in bytes. Every value that the proxy reads is a name, a
/// digest or a host: at most 255 bytes, or 765 with all of them escaped.
const MAXIMUM_VALUE: usize = 1024;

/// One pair, as it stands in the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// What stands before the first `=`, still escaped.
    pub key: &'a [u8],
    /// What stands after it, still escaped; empty if there is no `=`.
    pub value: &'a [u8],
}

/// Why a parameter has no value that all readers would agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// The value has an invalid escape or is over 1024 bytes long.
    Undecodable,
    /// The key stands in the query more than once, with different values.
    Conflicting,
}

impl<'a> Parameter<'a> {
    fn read(pair: &'a [u8]) -> Self {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        Self { key: parts.next().unwrap_or_default(), value: parts.next().unwrap_or_default() }
    }

    /// Whether this is the key, once decoded.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        percent::decode(self.key).is_some_and(|decoded| *decoded == *key.as_bytes())
    }

    /// The value, decoded once; `None` if an escape is invalid or the value is over 1024 bytes
    /// long. A `+` stays a plus: no value that is read here can have a space.
    #[must_use]
    pub fn decoded_value(&self) -> Option<Cow<'a, [u8]>> {
        if self.value.len() > MAXIMUM_VALUE { None } else { percent::decode(self.value) }
    }
}

/// All pairs of a query, in order. Empty ones (`a=b&&c=d`) are left out.
pub fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    pairs(query).filter(|pair| !pair.is_empty()).map(Parameter::read)
}

/// The one decoded value of a parameter. Absent and empty are both `None`; repeats are one if
/// they are equal.
///
/// # Errors
///
/// [`ParameterError`] if there is a value but not one that every reader would take: one takes
/// the first of several, the next one the last.
pub fn value<'a>(query: &'a [u8], key: &str) -> Result<Option<Cow<'a, [u8]>>, ParameterError> {
    let mut found: Option<Cow<'a, [u8]>> = None;
    for parameter in parameters(query).filter(|parameter| parameter.has_key(key)) {
        let value = parameter.decoded_value().ok_or(ParameterError::Undecodable)?;
        if value.is_empty() {
            continue;
        }
        if found.as_ref().is_some_and(|found| *found != value) {
            return Err(ParameterError::Conflicting);
        }
        found = Some(value);
    }
    Ok(found)
}

/// The query without the named parameters; every other byte stays, in order. Empty if nothing
/// else was there.
#[must_use]
pub fn without(query: &[u8], keys: &[&str]) -> Vec<u8> {
    let is_named = |pair: &[u8]| keys.iter().any(|key| Parameter::read(pair).has_key(key));
    let kept: Vec<&[u8]> = pairs(query).filter(|pair| !is_named(pair)).collect();
    kept.join(&b'&')
}

/// The query with another value for a parameter, wherever it stands; every other byte stays.
/// `value` is given decoded and is escaped here. A parameter that is absent is not added.
#[must_use]
pub fn with_value(query: &[u8], key: &str, value: &[u8]) -> Vec<u8> {
    let mut replacement = key.as_bytes().to_vec();
    replacement.push(b'=');
    percent::encode_into(&mut replacement, value);
    let replace = |pair| {
        if Parameter::read(pair).has_key(key) { replacement.as_slice() } else { pair }
    };
    let replaced: Vec<&[u8]> = pairs(query).map(replace).collect();
    replaced.join(&b'&')
}

/// The query with one more parameter behind all others; `value` is given decoded and is escaped
/// here.
#[must_use]
pub fn with_added(query: &[u8], key: &str, value: &[u8]) -> Vec<u8> {
    let mut longer = query.to_vec();
    if !longer.is_empty() {
        longer.push(b'&');
    }
    longer.extend_from_slice(key.as_bytes());
    longer.push(b'=');
    percent::encode_into(&mut longer, value);
    longer
}

fn pairs(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    query.split(|byte| *byte == b'&')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_in_order() {
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(&str, Pairs<'_>, &str)] = &[
            ("", &[], "nothing"),
            ("a=b", &[("a", "b")], "one"),
            ("a=b&a=c", &[("a", "b"), ("a", "c")], "repeats are kept"),
            ("&&a=b&", &[("a", "b")], "empty pairs are none"),
            ("a", &[("a", "")], "no equals sign"),
            ("a=", &[("a", "")], "no value"),
            ("=b", &[("", "b")], "no key"),
            ("a=b=c==", &[("a", "b=c==")], "only the first equals sign splits"),
            ("a=b;c=d", &[("a", "b;c=d")], "a semicolon does not split"),
        ];
        for (query, expected, reason) in cases {
            let expected = expected
                .iter()
                .map(|(key, value)| Parameter { key: key.as_bytes(), value: value.as_bytes() });
            assert!(parameters(query.as_bytes()).eq(expected), "{query:?}: {reason}");
        }
    }

    #[test]
    fn values() {
        type Case<'a> = (&'a str, Result<Option<&'a str>, ParameterError>, &'a str);
        use ParameterError::{Conflicting, Undecodable};
        let longest = "a".repeat(1024);
        let (longest_query, too_long) = (format!("ns={longest}"), format!("ns={longest}a"));
        let cases: &[Case] = &[
            ("", Ok(None), "absent"),
            ("nsx=a&xns=b&NS=c", Ok(None), "other keys, case matters"),
            ("ns=", Ok(None), "empty is absent"),
            ("ns", Ok(None), "no value is absent"),
            ("ns=docker.io", Ok(Some("docker.io")), "containerd"),
            ("a=b&ns=reg.io%3A5000&c=d", Ok(Some("reg.io:5000")), "anywhere, escaped"),
            ("%6es=a", Ok(Some("a")), "escaped key"),
            ("ns=a&ns=a", Ok(Some("a")), "equal repeats"),
            ("ns=a&ns=%61", Ok(Some("a")), "equal once decoded"),
            ("ns=&ns=a", Ok(Some("a")), "empty is no repeat"),
            ("ns=a&ns=b", Err(Conflicting), "different"),
            ("ns=a&%6Es=b", Err(Conflicting), "different, escaped key"),
            ("ns=%", Err(Undecodable), "truncated escape"),
            ("ns=%zz", Err(Undecodable), "no digits"),
            ("ns=a&ns=%zz", Err(Undecodable), "a repeat that cannot be compared"),
            (&longest_query, Ok(Some(&longest)), "1024 bytes"),
            (&too_long, Err(Undecodable), "1025 bytes"),
        ];
        for (query, expected, reason) in cases {
            let found = value(query.as_bytes(), "ns");
            let found = found.as_ref().map(Option::as_deref).map_err(|error| *error);
            assert_eq!(
                found,
                expected.map(|text| text.map(str::as_bytes)),
                "{query:.40}: {reason}"
            );
        }
    }

    #[test]
    fn removal() {
        let cases: &[(&str, &str, &str)] = &[
            ("", "", "nothing"),
            ("ns=a", "", "the only one"),
            ("ns=a&b=c", "b=c", "the first"),
            ("b=c&ns=a", "b=c", "the last"),
            ("b=c&ns=a&d=%2f%2F", "b=c&d=%2f%2F", "between; escapes stay as they are"),
            ("ns=a&from=b&ns=c&ns", "", "every repeat, every key"),
            ("%6Es=a&fro%6D=b&c", "c", "escaped keys"),
            ("b&&c=&ns=a&=d", "b&&c=&=d", "odd bytes stay"),
            ("nsx=a&ns%=b", "nsx=a&ns%=b", "other keys stay"),
        ];
        for (query, expected, reason) in cases {
            let rest = without(query.as_bytes(), &["ns", "from"]);
            assert_eq!(rest, expected.as_bytes(), "{query:?}: {reason}");
        }
    }

    #[test]
    fn replacement() {
        let cases: &[(&str, &str, &str)] = &[
            ("", "", "absent is not added"),
            ("a=b", "a=b", "absent is not added"),
            ("mount=x&from=a", "mount=x&from=p%2Fq", "escaped as Go does"),
            ("from=a&x=%2f&fro%6D=b", "from=p%2Fq&x=%2f&from=p%2Fq", "every repeat"),
            ("from", "from=p%2Fq", "no equals sign"),
            ("a&&from=&", "a&&from=p%2Fq&", "odd bytes stay"),
        ];
        for (query, expected, reason) in cases {
            let replaced = with_value(query.as_bytes(), "from", b"p/q");
            assert_eq!(replaced, expected.as_bytes(), "{query:?}: {reason}");
        }
    }

    #[test]
    fn addition() {
        let cases: &[(&str, &str, &str)] = &[
            ("", "ns=reg.io%3A5000", "the only one"),
            ("a=%2f&b", "a=%2f&b&ns=reg.io%3A5000", "behind the others, which stay"),
            ("ns=a", "ns=a&ns=reg.io%3A5000", "nothing is replaced"),
        ];
        for (query, expected, reason) in cases {
            let longer = with_added(query.as_bytes(), "ns", b"reg.io:5000");
            assert_eq!(longer, expected.as_bytes(), "{query:?}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn removed_parameters_are_gone_and_others_untouched(query in "[ab=&%6;]{0,16}") {
            let rest = without(query.as_bytes(), &["a"]);
            prop_assert!(!parameters(&rest).any(|parameter| parameter.has_key("a")));
            let others = parameters(query.as_bytes()).filter(|parameter| !parameter.has_key("a"));
            prop_assert!(others.eq(parameters(&rest)));
        }

        #[test]
        fn what_was_added_is_removed_again(query in "[b=&%6;]{0,16}") {
            let longer = with_added(query.as_bytes(), "ns", b"docker.io");
            prop_assert_eq!(without(&longer, &["ns"]), query.as_bytes());
        }

        #[test]
        fn a_replaced_value_is_read_back(
            query in "[ab=&%6;]{0,16}",
            bytes in proptest::collection::vec(any::<u8>(), 1..16),
        ) {
            let replaced = with_value(query.as_bytes(), "a", &bytes);
            let present = parameters(query.as_bytes()).any(|parameter| parameter.has_key("a"));
            let expected = present.then_some(Cow::Borrowed(bytes.as_slice()));
            prop_assert_eq!(value(&replaced, "a"), Ok(expected));
        }
    }
}
