//! The first half of a record: what was decided about a request, before any backend was asked.

use std::borrow::Cow;

use super::kind::Kind;
use super::log_field::LogField;
use crate::config::geography::Country;
use crate::oci::Class;

/// What was decided about one request.
///
/// All of it comes from the policy or is one of a fixed set, such as the countries, but for the
/// client's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<'c> {
    /// The front that was asked; `None` if no front has the authority.
    pub front: Option<&'c str>,
    /// The region of the client.
    pub region: &'c str,
    /// The country that a believed header or database puts the client in.
    pub country: Option<Country>,
    /// What the request is; `None` if it is not of the distribution spec.
    pub class: Option<Class>,
    /// The word for it in the log and the metrics.
    pub kind: Kind,
    /// The rule that matched.
    pub rule: Option<&'c str>,
    /// The registry that the client meant, where its front stands for several.
    pub registry: Option<String>,
    /// The backend or blob store that the client is sent to, where it is sent elsewhere.
    pub sent_to: Option<&'c str>,
    /// The client's name, where its front has passwords and the client's was right. It is the only
    /// text of a client here; it is for the access log, and never a label of a metric.
    pub user: Option<String>,
    /// Why: how the client was located and why the backend was chosen, or why not.
    pub reason: String,
}

impl Decided<'_> {
    /// What is known before anything is decided.
    #[must_use]
    pub const fn new<'c>(
        front: Option<&'c str>,
        region: &'c str,
        country: Option<Country>,
        kind: Kind,
    ) -> Decided<'c> {
        Decided {
            front,
            region,
            country,
            class: None,
            kind,
            rule: None,
            registry: None,
            sent_to: None,
            user: None,
            reason: String::new(),
        }
    }

    /// The fields of the log that it is, those without a value left out: all of
    /// [`LogField::is_decided`].
    pub fn told(self) -> impl Iterator<Item = (LogField, Cow<'static, [u8]>)> {
        let name = |name: &str| Cow::Owned(name.as_bytes().to_vec());
        let text = |text: String| Cow::Owned(text.into_bytes());
        let fields = [
            (LogField::Country, self.country.map(|country| Cow::Owned(country.code().to_vec()))),
            (LogField::Region, Some(name(self.region))),
            (LogField::Class, Some(Cow::Borrowed(self.kind.as_str().as_bytes()))),
            (LogField::Front, self.front.map(name)),
            (LogField::Rule, self.rule.map(name)),
            (LogField::Reason, Some(text(self.reason))),
            (LogField::User, self.user.map(text)),
            (LogField::Registry, self.registry.map(text)),
            (LogField::SentTo, self.sent_to.map(name)),
        ];
        fields.into_iter().filter_map(|(field, value)| Some((field, value?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Decided<'static> {
        Decided {
            rule: Some("team"),
            registry: Some("docker.io".to_owned()),
            sent_to: Some("east"),
            user: Some("a".to_owned()),
            reason: "country DE; nearest".to_owned(),
            ..Decided::new(Some("main"), "eu", Country::parse(b"DE"), Kind::ReadBlob)
        }
    }

    #[test]
    fn the_fields_of_a_decision() {
        let told: Vec<(&str, String)> = whole()
            .told()
            .map(|(field, value)| (field.name(), String::from_utf8(value.into_owned()).unwrap()))
            .collect();
        #[rustfmt::skip]
        let expected = [
            ("country", "DE"), ("region", "eu"), ("class", "read_blob"), ("front", "main"), ("rule", "team"),
            ("reason", "country DE; nearest"), ("user", "a"), ("registry", "docker.io"), ("sent_to", "east"),
        ];
        assert_eq!(told, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_field_without_a_value_is_left_out() {
        let told = Decided::new(None, "default", None, Kind::Other).told();
        let fields: Vec<LogField> = told.map(|(field, _)| field).collect();
        assert_eq!(fields, [LogField::Region, LogField::Class, LogField::Reason]);
    }

    #[test]
    fn it_is_all_that_the_log_has_of_a_decision() {
        let told: Vec<LogField> = whole().told().map(|(field, _)| field).collect();
        for field in LogField::ALL {
            assert_eq!(told.contains(&field), field.is_decided(), "{field:?}");
        }
    }
}
