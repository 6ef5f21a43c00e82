//! A unified diff, as `patch` reads it (POSIX, `diff -u`), of texts whose lines stand in the same places.

use std::ops::Range;

/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// What makes `new` of `old`, which has as many lines; empty if they are the same. `file` names both.
pub(super) fn diff(file: &str, old: &str, new: &str) -> String {
    let lines: Vec<(&str, &str)> =
        old.split_inclusive('\n').zip(new.split_inclusive('\n')).collect();
    let hunks: String = hunks(&lines).into_iter().map(|range| hunk(&lines, range)).collect();
    if hunks.is_empty() { hunks } else { format!("--- {file}\n+++ {file}\n{hunks}") }
}

/// The lines of each hunk: changes with what stands around them, those that touch in one.
fn hunks(lines: &[(&str, &str)]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (index, (old, new)) in lines.iter().enumerate() {
        if old == new {
            continue;
        }
        let start = index.saturating_sub(CONTEXT);
        let end = index.saturating_add(CONTEXT).saturating_add(1).min(lines.len());
        match hunks.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => hunks.push(start..end),
        }
    }
    hunks
}

fn hunk(lines: &[(&str, &str)], range: Range<usize>) -> String {
    let (first, count) = (range.start.saturating_add(1), range.len());
    let mut text = format!("@@ -{first},{count} +{first},{count} @@\n");
    // New lines stand behind all old ones that they replace.
    let mut replacing = String::new();
    for (old, new) in lines.get(range).unwrap_or_default() {
        if old == new {
            text.push_str(&std::mem::take(&mut replacing));
            text.push_str(&marked(' ', old));
        } else {
            text.push_str(&marked('-', old));
            replacing.push_str(&marked('+', new));
        }
    }
    text + &replacing
}

fn marked(mark: char, line: &str) -> String {
    if line.ends_with('\n') {
        format!("{mark}{line}")
    } else {
        format!("{mark}{line}\n\\ No newline at end of file\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diffs() {
        #[rustfmt::skip]
        let rows = [
            ("a\nb\n", "a\nb\n", "", "nothing to change"),
            ("a\nb\n", "a\nc\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n", "one line"),
            ("a\nb\nc\n", "d\ne\nc\n", "@@ -1,3 +1,3 @@\n-a\n-b\n+d\n+e\n c\n", "two lines together"),
            ("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nx\n6\n7\n8\n", "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n", "three lines around it"),
            ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n", "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n", "two hunks"),
            ("1\n2\n3\n4\n5\n6\n7\n", "x\n2\n3\n4\n5\n6\ny\n", "@@ -1,7 +1,7 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n-7\n+y\n", "near to one another"),
            ("a\nb", "a\nc", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n", "a last line without an end"),
        ];
        for (old, new, expected, reason) in rows {
            let header = if expected.is_empty() { "" } else { "--- p.yaml\n+++ p.yaml\n" };
            assert_eq!(diff("p.yaml", old, new), format!("{header}{expected}"), "{reason}");
        }
    }
}
