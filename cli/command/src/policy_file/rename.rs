//! Writes the names of today into the files of a policy, in place of those of earlier releases.
//!
//! The text is changed at the places of the keys and nowhere else, so that comments, order and
//! spacing stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use portolan_core::config::fields::{OldName, rename_old_fields};

use super::diagnostic::{Diagnostic, Severity};
use super::include;
use super::parsed::{mistake, parse};
use super::place::{Place, Position};
use super::source::{self, Source};
use crate::replace;

/// One key to write anew.
struct Edit {
    at: Position,
    field: OldName,
}

/// Writes the new names into a policy's files; a note for each, at its place in the new text.
///
/// # Errors
///
/// A file that cannot be read or written; and a key that is written in a way that is not changed
/// here, with what to write by hand. Then no file is changed, except that a later one of several
/// may fail when it is written.
pub fn write_new_names(policy: &Path) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut notes = Vec::new();
    let mut texts = Vec::new();
    for (file, edits) in edits(policy)? {
        let source = source::read_file(Path::new(&*file)).map_err(|found| vec![found])?;
        let text = edited(&source, edits, &mut notes)?;
        texts.push((Source { text, ..source }, file));
    }
    for (source, file) in texts {
        write(&source).map_err(|error| {
            let message = format!("cannot be written: {error}");
            vec![Diagnostic::unusable(Place::whole(&file), message)]
        })?;
    }
    Ok(notes)
}

/// The keys to change, by file and in the order of the text. What an alias repeats stands in the
/// text once.
fn edits(policy: &Path) -> Result<BTreeMap<Rc<str>, Vec<Edit>>, Vec<Diagnostic>> {
    let mut whole = include::read(policy)?;
    let mut found: BTreeMap<Rc<str>, Vec<Edit>> = BTreeMap::new();
    for field in rename_old_fields(&mut whole.document) {
        let place = whole.places.find(&whole.document, &field.path);
        let Some(at) = place.position() else {
            return Err(vec![by_hand(place, &field)]);
        };
        found.entry(place.file().into()).or_default().push(Edit { at, field });
    }
    for edits in found.values_mut() {
        edits.sort_by_key(|edit| edit.at);
        edits.dedup_by_key(|edit| edit.at);
    }
    Ok(found)
}

/// The text of a file with all its keys changed.
fn edited(
    source: &Source,
    edits: Vec<Edit>,
    notes: &mut Vec<Diagnostic>,
) -> Result<String, Vec<Diagnostic>> {
    let mut lines: Vec<String> = source.text.split('\n').map(str::to_owned).collect();
    // How much further to the right the rest of a line stands than it did.
    let mut shift = (0, 0);
    for Edit { at: Position { line, column }, field } in edits {
        let refused = || vec![by_hand(&Place::at(&source.file, Position { line, column }), &field)];
        let moved = if shift.0 == line { shift.1 } else { 0 };
        let column = column.saturating_add(moved);
        let text = line.checked_sub(1).and_then(|index| lines.get_mut(index));
        let text = text.ok_or_else(refused)?;
        let length = rename_at(text, column, &field).ok_or_else(refused)?;
        shift = (line, moved.saturating_add(length));
        let place = Place::at(&source.file, Position { line, column });
        let message = format!("`{}` is written in place of `{}`", field.new, field.old);
        let severity = Severity::Note;
        notes.push(Diagnostic {
            severity,
            path: field.path,
            ..Diagnostic::mistake(place, message)
        });
    }
    let text = lines.join("\n");
    says_the_same(source, &text)?;
    Ok(text)
}

/// Changes the key at a column of a line, counted from 1 in characters; by how many characters it
/// has grown.
fn rename_at(
    line: &mut String,
    column: usize,
    OldName { old, new, .. }: &OldName,
) -> Option<usize> {
    let (start, _) = line.char_indices().nth(column.checked_sub(1)?)?;
    let (before, key) = line.split_at_checked(start)?;
    let quote = key.chars().next().filter(|sign| "\"'".contains(*sign));
    let (quote, bare) = quote.map_or(("", key), |sign| key.split_at(sign.len_utf8()));
    let behind = bare.strip_prefix(old)?.strip_prefix(quote)?;
    let ends = behind.is_empty() || behind.starts_with([':', ' ', '\t', '\r']);
    let changed = ends.then(|| format!("{before}{quote}{new}{quote}{behind}"))?;
    *line = changed;
    Some(new.len().saturating_sub(old.len()))
}

/// A text that was changed means what the one before means, or it is not written.
fn says_the_same(source: &Source, text: &str) -> Result<(), Vec<Diagnostic>> {
    let mut before = parse(source)?.document;
    rename_old_fields(&mut before);
    let changed = Source {
        file: Rc::clone(&source.file),
        text: text.to_owned(),
        is_json: source.is_json,
        directory: source.directory.clone(),
    };
    if parse(&changed)?.document == before {
        return Ok(());
    }
    let message = "would mean something else with the new names; write them by hand";
    Err(vec![mistake(&Place::whole(&source.file), "", message)])
}

fn by_hand(place: &Place, OldName { path, old, new }: &OldName) -> Diagnostic {
    let message = format!("`{old}` is called `{new}` now; write that by hand, as the key alone");
    mistake(place, path, &message)
}

/// A link stays one, and leads to the changed file.
fn write(source: &Source) -> std::io::Result<()> {
    let path = fs::canonicalize(Path::new(&*source.file))?;
    replace::rewrite(&path, source.text.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy_file;

    /// How a key is written.
    #[derive(Clone, Debug)]
    struct Key {
        is_old: bool,
        quote: &'static str,
        comment: &'static str,
    }

    fn key() -> impl Strategy<Value = Key> {
        let quotes = prop::sample::select(vec!["", "\"", "'"]);
        let comments = prop::sample::select(vec!["", " # redirect: not a key", "   # é follow:"]);
        (any::<bool>(), quotes, comments).prop_map(|(is_old, quote, comment)| Key {
            is_old,
            quote,
            comment,
        })
    }

    /// The same policy with the keys as they were written, or all by the names of today.
    fn policy(keys: &[Key], form: usize, is_new: bool) -> String {
        let name = |index: usize, old: &str, new: &str| {
            let Key { is_old, quote, .. } = &keys[index];
            let quote = if form == 2 { "\"" } else { quote };
            let name = if *is_old && !is_new { old } else { new };
            format!("{quote}{name}{quote}")
        };
        let handling = name(0, "redirects", "redirect_handling");
        let followed = name(1, "follow", "followed_redirects");
        let sent = name(2, "redirect", "client_redirects");
        let comment = |index: usize| keys[index].comment;
        match form {
            0 => format!(
                "version: 1\nfronts: {{main: {{hosts: [r.example]}}}}\nbackends:\n  follow:\n    {handling}:   follow{}\n    url: \
                 https://a.example\n\n    {followed} :{}\n      hosts: [cdn.example]\n  b: {{url: \"https://b.example\"}}\nregions: {{default: {{}}}}\nrules:\n- name: redirect\n  \
                 repositories: [redirect/**]\n  chains: {{default: [b]}}\n  {sent}: # redirects\n    classes: [blobs]\n- {{name: x, \
                 repositories: [x], chains: {{default: [follow]}}}}\n",
                comment(0),
                comment(1)
            ),
            1 => format!(
                "version: 1\r\nfronts: {{main: {{hosts: [r.example]}}}}\r\nbackends: {{follow: {{url: \"https://a.example\", \
                 {handling}: follow, {followed}: {{hosts: [cdn.example]}}}}, b: {{url: \"https://b.example\"}}}}{}\r\n\
                 regions: {{default: {{}}}}\r\nrules: [{{{sent}: {{classes: [blobs]}}, name: redirects, repositories: [\"**\"], \
                 chains: {{default: [b, follow]}}}}]",
                comment(2)
            ),
            _ => format!(
                "{{\"version\": 1,\n\t\"fronts\": {{\"main\": {{\"hosts\": [\"s.example\"]}}}},\n\"backends\": {{\"follow\": \
                 {{\"url\": \"https://a.example\", {handling} : {{\"default\":\"follow\"}}, {followed}:{{\"hosts\": \
                 [\"cdn.example\"]}}}}, \"b\": {{\"url\": \"https://b.example\"}}}},\n \"regions\": {{\"default\": {{}}}}, \"rules\": [{{\"name\": \"x\", \"repositories\": \
                 [\"redirect\"], \"chains\": {{\"default\": [\"b\"]}},\n {sent}: {{\"classes\": [\"blobs\"]}}}}]}}"
            ),
        }
    }

    proptest! {
        /// A policy that is fixed is the policy that was written by the names of today, to the
        /// byte, and stays so.
        #[test]
        fn fixed_is_as_written_today(keys in prop::array::uniform3(key()), form in 0_usize..3) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(if form == 2 { "p.json" } else { "p.yaml" });
            fs::write(&path, policy(&keys, form, false)).unwrap();
            let before = policy_file::load(&path).unwrap();
            let notes = write_new_names(&path).unwrap();
            prop_assert_eq!(notes.len(), keys.iter().filter(|key| key.is_old).count());
            let expected = policy(&keys, form, true);
            prop_assert_eq!(fs::read_to_string(&path).unwrap(), expected.clone());
            let after = policy_file::load(&path).unwrap();
            prop_assert_eq!(&after.document, &before.document);
            prop_assert!(after.old_names.is_empty());
            for note in notes {
                let (_, place) = after.at(&note.path).unwrap();
                prop_assert_eq!(&note.place, place, "{}", note.message);
            }
            prop_assert_eq!(write_new_names(&path).unwrap(), vec![]);
            prop_assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }
}
