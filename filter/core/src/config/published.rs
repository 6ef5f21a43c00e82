//! The dates of published lists of networks.

use std::fmt;

/// What to write where a day is expected.
pub(super) const WANTED: &str = "a day such as `\"2026-07-29\"`";

/// One source of networks. Prints as `aws: published 2026-07-29`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Whose networks: `aws`.
    pub source: String,
    /// The day on which they were published, `YYYY-MM-DD`.
    pub day: String,
}

impl fmt::Display for Published {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: published {}", self.source, self.day)
    }
}

/// Whether a text has the form of a day (RFC 3339, `full-date`). The filter has no calendar, and
/// compares none.
pub(super) fn is_day(text: &str) -> bool {
    let number = |part: Option<&str>, digits: usize| {
        part.filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|part| part.parse::<u16>().ok())
    };
    let mut parts = text.split('-');
    let day = (number(parts.next(), 4), number(parts.next(), 2), number(parts.next(), 2));
    parts.next().is_none() && matches!(day, (Some(_), Some(1..=12), Some(1..=31)))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn days() {
        let rows = [
            ("2026-07-29", true),
            ("2026-12-31", true),
            ("2026-13-01", false),
            ("2026-00-01", false),
            ("2026-07-32", false),
            ("2026-7-29", false),
            ("2026-07-29T07:05:53", false),
            ("2026-07-29-08-27-05", false),
            ("+026-07-29", false),
            ("", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_day(text), expected, "{text}");
        }
    }

    #[test]
    fn a_policy_says_how_old_its_networks_are() {
        let told = |published: &str| {
            let json = format!(
                r#"{{"version": 1, "fronts": {{"m": {{"hosts": ["r.example"]}}}}, "regions": {{"default": {{}}}},
                "backends": {{"a": {{"url": "https://a.example"}}}}, "networks_published": {published},
                "rules": [{{"name": "r", "repositories": ["x"], "chains": {{"default": ["a"]}}}}]}}"#
            );
            match Config::from_json(json.as_bytes()) {
                Ok(config) => config.published().iter().map(ToString::to_string).collect(),
                Err(found) => found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }
        };
        let rows: [(&str, &[&str]); 4] = [
            (
                r#"{"aws": "2026-07-29", "gcp": "2026-07-28"}"#,
                &["aws: published 2026-07-29", "gcp: published 2026-07-28"],
            ),
            ("{}", &[]),
            (
                r#"{"aws": "July"}"#,
                &[
                    "networks_published.aws: `July` is not valid; write a day such as `\"2026-07-29\"`",
                ],
            ),
            (
                r#"{"A b": "2026-07-29"}"#,
                &["networks_published[\"A b\"]: the name is not valid; write one such as `aws`"],
            ),
        ];
        for (published, expected) in rows {
            assert_eq!(told(published), expected, "{published}");
        }
    }
}
