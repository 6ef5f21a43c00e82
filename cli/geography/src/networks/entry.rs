//! One published prefix, and what can be wrong with it.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;

/// How many problems are shown: enough to see a pattern, few enough to read.
const SHOWN: usize = 10;

/// One prefix as the provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it is in the file: `prefixes[12].ip_prefix`.
    pub(super) path: String,
    pub(super) prefix: IpNet,
    /// `aws:eu-west-1`.
    pub(super) label: String,
    /// What runs there, in lower case, `s3`; empty where the provider names no service in
    /// particular.
    pub(super) service: String,
    /// How much the entry is worth beside another of the same prefix: the name of a region beats
    /// `everywhere`.
    pub(super) weight: Weight,
}

/// What an entry says of where its prefix is. Derived order: the last says most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It is announced in every region at once.
    Everywhere,
    /// A service has it in a region.
    OfService,
    /// It is of a region.
    OfRegion,
}

/// Everything that is wrong with a file, each with its path.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// Records what is wrong at a path of the file.
    pub(super) fn add(&mut self, path: &str, problem: &str) {
        self.0.push(format!("{path}: {problem}"));
    }

    /// An error with the first problems, and where to get a sound file; `Ok` if there is none.
    pub(super) fn into_result(self, source: &str) -> Result<(), String> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut lines: Vec<_> = self.0.iter().take(SHOWN).cloned().collect();
        if let Some(more) = self.0.len().checked_sub(SHOWN).filter(|&more| more > 0) {
            lines.push(format!("and {more} more"));
        }
        Err(format!(
            "the file is not what the provider publishes at {source}:\n  {}",
            lines.join("\n  ")
        ))
    }
}

/// The entries of an array of the file; an absent or empty one is a problem, because a provider
/// without a single prefix of a family is a file of something else.
pub(super) fn array<'a>(file: &'a Value, name: &str, problems: &mut Problems) -> &'a [Value] {
    match file.get(name).and_then(Value::as_array) {
        Some(entries) if !entries.is_empty() => entries,
        Some(_) => {
            problems.add(name, "is empty");
            &[]
        }
        None => {
            problems.add(name, "is missing or not an array");
            &[]
        }
    }
}

/// The text of a field; absent or no text is a problem.
pub(super) fn text<'a>(
    object: &'a Value,
    path: &str,
    name: &str,
    problems: &mut Problems,
) -> Option<&'a str> {
    let found = object.get(name).and_then(Value::as_str);
    if found.is_none() {
        problems.add(&format!("{path}.{name}"), "is missing or not a string");
    }
    found
}

/// Which family a field of the file is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    V4,
    V6,
}

/// The prefix in a field. Bits behind its length are a problem: a provider has none, so they
/// mean that the address or the length is not the one that was published.
pub(super) fn prefix(
    object: &Value,
    path: &str,
    name: &str,
    family: Family,
    problems: &mut Problems,
) -> Option<IpNet> {
    let written = text(object, path, name, problems)?;
    let (parsed, expected) = match family {
        Family::V4 => (written.parse::<Ipv4Net>().map(IpNet::V4), "an IPv4 prefix"),
        Family::V6 => (written.parse::<Ipv6Net>().map(IpNet::V6), "an IPv6 prefix"),
    };
    let found = parsed.ok().filter(|prefix| *prefix == prefix.trunc());
    if found.is_none() {
        let problem = format!("{written:?} is not {expected}");
        problems.add(&format!("{path}.{name}"), &problem);
    }
    found
}

/// The label `<provider>:<region>` of the region in a field, in lower case.
pub(super) fn label(
    object: &Value,
    path: &str,
    name: &str,
    provider: &str,
    problems: &mut Problems,
) -> Option<String> {
    let region = text(object, path, name, problems)?;
    let label = format!("{provider}:{}", region.to_ascii_lowercase());
    let usable = is_label(&label);
    if !usable {
        let problem = format!("{region:?} is not a region");
        problems.add(&format!("{path}.{name}"), &problem);
    }
    usable.then_some(label)
}

/// What a label says of where its prefix is, if `everywhere` is that of prefixes that are in every
/// region.
pub(super) fn weight(label: &str, everywhere: &str) -> Weight {
    if label == everywhere { Weight::Everywhere } else { Weight::OfRegion }
}

/// The name of a service as a part of a label: in lower case, and what a label cannot have as `-`.
/// Nothing for names in `general`, which every prefix has.
pub(super) fn service(name: &str, general: &[&str]) -> String {
    let plain = |byte: char| byte.is_ascii_alphanumeric() || byte == '_' || byte == '-';
    let lower = name.trim().to_ascii_lowercase();
    let known = |byte: char| if plain(byte) { byte } else { '-' };
    let name: String = lower.chars().map(known).collect();
    let name = name.trim_matches(['-', '_']);
    if general.contains(&name) { String::new() } else { name.to_owned() }
}

/// A list of prefixes in a field, each of the family that its text shows.
pub(super) fn prefixes(
    object: &Value,
    path: &str,
    name: &str,
    problems: &mut Problems,
) -> Vec<(String, IpNet)> {
    let Some(list) = object.get(name).and_then(Value::as_array) else {
        problems.add(&join(path, name), "is missing or not an array");
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, item) in list.iter().enumerate() {
        let path = format!("{}[{index}]", join(path, name));
        match item.as_str().map(|text| (text, any_prefix(text))) {
            Some((_, Some(prefix))) => found.push((path, prefix)),
            Some((text, None)) => problems.add(&path, &format!("{text:?} is not a prefix")),
            None => problems.add(&path, "is not a string"),
        }
    }
    found
}

/// A prefix of either family. Bits behind its length make it none, as in [`prefix`].
pub(super) fn any_prefix(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().filter(|prefix| *prefix == prefix.trunc())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The grammar of labels in a policy: `[a-z0-9]([a-z0-9:._-]*[a-z0-9])?`. It is also what keeps
/// the file from writing YAML of its own into the document.
fn is_label(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match text.as_bytes() {
        [only] => plain(only),
        [first, middle @ .., last] => {
            let inner = |byte: &u8| plain(byte) || b":._-".contains(byte);
            plain(first) && plain(last) && middle.iter().all(inner)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let cases = [
            ("aws:eu-west-1", true, "a region"),
            ("a", true, "one letter"),
            ("gcp:a.b_c:d", true, "every inner character"),
            ("", false, "empty"),
            ("aws:", false, "ends with a separator"),
            ("-a", false, "begins with a separator"),
            ("aws:EU", false, "upper case"),
            ("aws:eu west", false, "a space"),
            ("aws:eu\nx", false, "a line of its own"),
            ("aws:é", false, "not ASCII"),
        ];
        for (text, expected, why) in cases {
            assert_eq!(is_label(text), expected, "{why}");
        }
    }

    #[test]
    fn services() {
        let rows = [
            ("S3", "s3"),
            ("CLOUDFRONT_ORIGINFACING", "cloudfront_originfacing"),
            ("AMAZON", ""),
            ("Google Cloud", ""),
            ("Azure Front Door", "azure-front-door"),
            ("a:b", "a-b"),
            (" ", ""),
        ];
        for (name, expected) in rows {
            assert_eq!(service(name, &["amazon", "google-cloud"]), expected, "{name}");
        }
    }

    #[test]
    fn only_the_first_problems_are_shown() {
        let mut problems = Problems::default();
        for index in 0..12 {
            problems.add(&format!("prefixes[{index}]"), "is wrong");
        }
        let error = problems.into_result("https://example.com/").unwrap_err();
        assert!(error.contains("prefixes[9]: is wrong\n  and 2 more"), "{error}");
        assert!(!error.contains("prefixes[10]"), "{error}");
    }
}
