//! A unified diff, as `patch` reads it (POSIX, `diff -u`).

use similar::TextDiff;

/// How many lines around a change are shown.
const CONTEXT: usize = 3;

/// What makes `new` of `old`; empty if they are the same. `file` names both.
pub(super) fn diff(file: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().context_radius(CONTEXT).header(file, file).to_string()
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
