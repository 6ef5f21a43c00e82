//! The parameters of one challenge.

/// The most parameters of one challenge. Those in the field have five.
const MAXIMUM: usize = 64;

/// The parameters of a challenge in their order: names in lower case, as they are compared
/// without regard to it, and values without quotes and escapes (RFC 9110 section 11.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a parameter by its lower-case name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds a parameter at the end; `None` if there is no room, or one of that name already: it
    /// "MUST only occur once per challenge" (RFC 9110 section 11.2), clients differ in which of
    /// two they believe, and this is no place to guess.
    pub(super) fn add(&mut self, name: &str, value: &str) -> Option<()> {
        let name = name.to_ascii_lowercase();
        let fits = self.0.len() < MAXIMUM && self.get(&name).is_none();
        fits.then(|| self.0.push((name, value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_occur_once() {
        let mut parameters = Parameters::default();
        assert_eq!(parameters.add("Realm", "A"), Some(()));
        assert_eq!(parameters.add("service", ""), Some(()));
        assert_eq!(parameters.add("REALM", "B"), None);
        assert_eq!(parameters.get("realm"), Some("A"));
        assert_eq!(parameters.get("scope"), None);
        assert_eq!(parameters.iter().collect::<Vec<_>>(), [("realm", "A"), ("service", "")]);
    }

    #[test]
    fn there_is_room_for_sixty_four() {
        let mut parameters = Parameters::default();
        let added = (0..100).filter(|number| parameters.add(&format!("p{number}"), "").is_some());
        assert_eq!(added.count(), 64);
    }
}
