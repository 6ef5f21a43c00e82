//! The order of chains, changed in the policy's own text: nothing else of the file changes,
//! comments and layout included.

use std::fs;

use portolan_command::policy_file::{LoadedPolicy, view};

use super::unified;

/// A chain as it is, and as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Where it stands: `rules[0].chains.eu`.
    pub(super) path: String,
    /// Its backends.
    pub(super) is: Vec<String>,
    /// The same backends in another order.
    pub(super) should_be: Vec<String>,
}

/// A word of a text.
struct Word<'t> {
    /// The line, from 0.
    line: usize,
    /// The characters of the line before it.
    column: usize,
    is: &'t str,
    should_be: &'t str,
}

/// The changes as a unified diff of the policy's file; empty without a file, and without what can
/// be changed in it.
///
/// A chain is left out that has a `share`, which belongs to a place in the chain and not to a
/// backend, and one whose items do not stand in the file as they are, such as those of an alias.
pub(super) fn diff(policy: &LoadedPolicy, changes: &[Change]) -> String {
    let file = policy.file();
    let Ok(text) = fs::read_to_string(file) else { return String::new() };
    let edited = changes.iter().fold(text.clone(), |text, change| {
        let words = words(policy, change);
        words.and_then(|words| replaced(&text, &words)).unwrap_or(text)
    });
    unified::diff(file, &text, &edited)
}

/// Where each item of the chain stands; `None` if one of them is no name.
fn words<'t>(policy: &LoadedPolicy, change: &'t Change) -> Option<Vec<Word<'t>>> {
    let pairs = change.is.iter().zip(&change.should_be).enumerate();
    pairs
        .map(|(index, (is, should_be))| {
            let path = format!("{}[{index}]", change.path);
            let (document, place) = policy.at(&path)?;
            let is_name = view::text(document) == Some(is.as_str());
            let position = place.position().filter(|_| is_name && place.file() == policy.file())?;
            let (line, column) = (position.line.checked_sub(1)?, position.column.checked_sub(1)?);
            Some(Word { line, column, is, should_be })
        })
        .collect()
}

/// The text with other words at their places; `None` if it has not the words that are to be there.
fn replaced(text: &str, words: &[Word<'_>]) -> Option<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut from_the_end: Vec<&Word<'_>> = words.iter().collect();
    from_the_end.sort_by_key(|word| std::cmp::Reverse((word.line, word.column)));
    for word in from_the_end {
        let line = lines.get_mut(word.line)?;
        let start = line.char_indices().nth(word.column)?.0;
        let (before, rest) = line.split_at_checked(start)?;
        let quote = rest.chars().next().filter(|one| matches!(one, '"' | '\''));
        let rest = quote.map_or(Some(rest), |quote| rest.strip_prefix(quote))?;
        let after = rest.strip_prefix(word.is)?;
        let is_whole = match quote {
            Some(quote) => after.starts_with(quote),
            None => !after.starts_with(|next: char| next.is_alphanumeric() || "-_.".contains(next)),
        };
        let opening = quote.map(String::from).unwrap_or_default();
        *line = is_whole.then(|| format!("{before}{opening}{}{after}", word.should_be))?;
    }
    Some(lines.concat())
}

/// Tests have no file: the text is given.
#[cfg(test)]
mod tests {
    use portolan_core::config::Document;

    use super::*;
    use portolan_command::policy_file::load_text;

    fn policy(chains: &str) -> String {
        format!(
            "version: 1\nfronts: {{main: {{hosts: [r.example]}}}}\nbackends:\n  near: {{url: 'https://near.example'}}\n  \
             far: {{url: 'https://far.example'}}\nregions: {{default: {{}}}}\nrules:\n- name: a\n  repositories: ['a/**']\n  \
             replicas: [near, far]\n{chains}\n"
        )
    }

    fn edited(chains: &str) -> Option<String> {
        let text = policy(chains);
        let policy = load_text(&text, "p.yaml").unwrap_or_else(|found| panic!("{found:?}"));
        let change = Change {
            path: "rules[0].chains.default".to_owned(),
            is: vec!["far".to_owned(), "near".to_owned()],
            should_be: vec!["near".to_owned(), "far".to_owned()],
        };
        let changed = replaced(&text, &words(&policy, &change)?)?;
        let lines: Vec<&str> = changed.lines().skip(10).collect();
        Some(lines.join("\n"))
    }

    #[test]
    fn only_the_names_change_places() {
        #[rustfmt::skip]
        let rows = [
            ("  chains: {default: [far, near]}", Some("  chains: {default: [near, far]}"), "one line"),
            ("  chains: {default: [far, near]}  # far is 'near'", Some("  chains: {default: [near, far]}  # far is 'near'"), "a comment stays"),
            ("  chains:\n    default:\n    - far  # first\n    - near", Some("  chains:\n    default:\n    - near  # first\n    - far"), "a line each"),
            ("  chains: {default: [\"far\", 'near']}", Some("  chains: {default: [\"near\", 'far']}"), "quoted"),
            ("  chains: {default: [{backend: far, share: 10}, near]}", None, "a share belongs to its place"),
        ];
        for (chains, wanted, reason) in rows {
            assert_eq!(edited(chains).as_deref(), wanted, "{reason}");
        }
    }

    #[test]
    fn a_text_that_has_other_words_stays() {
        let word = |is| Word { line: 0, column: 1, is, should_be: "x" };
        let rows = [("[near]", Some("[x]")), ("[near-2]", None), ("[far]", None), ("", None)];
        for (text, wanted) in rows {
            assert_eq!(replaced(text, &[word("near")]).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn documents_are_read_by_the_paths_of_mistakes() {
        let policy = load_text(&policy("  chains: {default: [far, near]}"), "p.yaml").unwrap();
        let (document, place) = policy.at("rules[0].chains.default[1]").unwrap();
        assert_eq!(document, &Document::String("near".to_owned()));
        assert_eq!(place.to_string(), "p.yaml:11:27");
        assert!(policy.at("rules[0].chains.default[2]").is_none());
    }
}
