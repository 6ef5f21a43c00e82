//! What people write that is no YAML, and the line and the words that they are told.

use saphyr::{LoadableYamlNode, MarkedYaml};

use super::*;

#[test]
fn each_cause_at_its_line() {
    #[rustfmt::skip]
    let rows = [
        ("a: 1\nowner eu\nb: 2\n", "2:1", "a colon is missing; write `owner: eu`"),
        ("rules:\n  - name: x\n    owner eu\n    chains: {}\n", "3:5", "a colon is missing; write `owner: eu`"),
        ("rules:\n  - name: x\n    owner eu\n", "3:5", "a colon is missing; write `owner: eu`"),
        ("rules:\n  - name: x\n    owner = eu\n    chains: {}\n", "3:5", "a colon belongs here, and no `=`; write `owner: eu`"),
        ("a: 1\nurl:https\nb: 2\n", "2:1", "a space is missing behind the colon; write `url: https`"),
        ("a: 1\nfronts\nb: 2\n", "2:1", "a colon is missing; write `fronts:`"),
        ("a: {b\nc: [d, e]\nf: {g: [h], i: [j]}\n", "1:4", "the `{` that is opened here is not closed; write `}`"),
        ("a: [b, c\nd: e\n", "1:4", "the `[` that is opened here is not closed; write `]`"),
        ("a: [b, c}\nd: e\n", "1:9", "this `}` stands where the `[` of line 1 is open; write `]` before it"),
        ("a: [b]]\nc: d\n", "1:7", "nothing is open that this `]` closes; take it out"),
        ("a: \"b\nc: d\n", "1:4", "the quote that is opened here is not closed on its line; write `\"` behind the text"),
        ("a: 'b\nc: d\n", "1:4", "the quote that is opened here is not closed on its line; write `'` behind the text"),
        ("a: [\"b, c]\nd: e\n", "1:5", "the quote that is opened here is not closed on its line; write `\"` behind the text"),
        ("a:\n\tb: 1\n", "2:2", "a tab cannot indent YAML; indent with spaces"),
        ("a:\n    b: 1\n   c: 2\n", "3:4", "this line is indented by 3 spaces, and the lines that it could belong to by 0 or 4"),
        ("rules:\n  - name: x\n   owner: eu\n", "3:4", "this line is indented by 3 spaces, and the lines that it could belong to by 0 or 2 or 4"),
        ("rules:\n  - name: x\n      owner: eu\n", "3:7", "this line is indented more than `name` above it, which has a value already; indent it by 4 spaces, as that"),
        ("a: b\n  c: d\n", "2:3", "this line is indented more than `a` above it, which has a value already; indent it by 0 spaces, as that"),
        ("rules:\n  - name: x\n    a: b\n  owner: eu\n", "4:3", "this line is indented as the `-` above it; indent it by 4 spaces, as what is behind the `-`"),
        ("rules:\n  -name: x\n    owner: eu\n", "2:3", "a space is missing behind the `-`; write `- name: x`"),
        ("a: 1\nb:\u{a0}c\nd: 1\n", "2:1", "the space behind the colon is no plain one (U+00A0); type it anew"),
        ("a: b: c\n", "1:4", "a text with a colon in it must be in quotes; write `a: \"b: c\"`"),
        ("a: {b: 1 c: 2}\n", "1:11", "a comma is missing before this"),
        ("a: {{ .Values.x }}:5000\nb: c\n", "1:4", "`{{ .Values.x }}` is a template that was not filled in; check what comes out of it"),
        ("{% if x %}\na: 1\n{% endif %}\n", "1:1", "`{% if x %}` is a template that was not filled in; check what comes out of it"),
        ("a: @b\n", "1:4", "a text cannot start with `@`; put it in quotes"),
        ("a: `b`\n", "1:4", "a text cannot start with ```; put it in quotes"),
        ("a: [b, **]\n", "1:8", "there is no anchor for `**`; a text that starts with `*` must be in quotes: \"**\""),
        ("a: 1\na: 2\n", "2:1", "the key `a` stands twice in its mapping; keep one of the two"),
        ("a: \"b\\d\"\n", "1:4", "this `\\` means nothing between double quotes; write single quotes, or `\\\\`"),
        ("a: \"b\" c\nd: e\n", "1:8", "something stands behind the closing quote; put all of it in the quotes, or a comma between"),
        ("// x\na: 1\n", "1:1", "a comment starts with `#`; write `# x`"),
        ("; x\na: 1\n", "1:1", "a comment starts with `#`; write `# x`"),
        ("<<<<<<< HEAD\na: 1\n", "1:1", "a merge was not finished here; keep one of the two versions"),
        ("<html>\na: 1\n", "1:1", "this is a page of HTML or XML, and no policy; look where it came from"),
        ("%YAML 1.2\na: 1\n", "1:1", "a line that starts with `%` is not read; take it out"),
        ("a:\n  * b: c\n", "2:3", "an item of a list starts with `-`; write `- b: c`"),
        ("a: [*]\n", "1:5", "a `*` or `&` stands alone here; put a text that starts with it in quotes"),
        ("a: {b:[c]}\n", "1:5", "a space is missing behind the colon; write `b: [c]}`"),
        ("a {b: {c: d}}\n", "1:1", "a colon is missing; write `a: {b: {c: d}}`"),
        ("a: \"b\\xzz\"\n", "1:4", "this `\\` means nothing between double quotes; write single quotes, or `\\\\`"),
        ("a: - b\n", "1:4", "a `-` cannot stand here; begin a list on a line of its own"),
    ];
    for (text, place, expected) in rows {
        let error =
            MarkedYaml::load_from_str(text).err().unwrap_or_else(|| panic!("{text} is YAML"));
        let (at, message) = explain(&error, text);
        let found = format!("{}:{}: {message}", at.line, at.column);
        assert_eq!(found, format!("{place}: {expected}"), "{text}\n{error:?}");
    }
}
