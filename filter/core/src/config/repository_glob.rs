//! Globs for the repositories of a rule.
//!
//! `*` stands for any bytes inside one component (`team-*/tool`), `**` for whole components:
//! any number of them, but at least one at the end of a glob (`drycc/**` is everything below
//! `drycc`, not `drycc` itself). One `**` per glob keeps matching linear.

/// A glob over repository names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepositoryGlob {
    /// What stands before `**`, or the whole glob if there is none.
    head: Vec<Component>,
    /// What stands after `**`; `None` if there is no `**`.
    tail: Option<Vec<Component>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    Literal(String),
    Wild(String),
}

impl RepositoryGlob {
    /// Reads a glob.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut head = Vec::new();
        let mut tail: Option<Vec<Component>> = None;
        for component in text.split('/') {
            match (component, &mut tail) {
                ("**", None) => tail = Some(Vec::new()),
                ("**", Some(_)) => return None,
                (_, None) => head.push(Component::parse(component)?),
                (_, Some(tail)) => tail.push(Component::parse(component)?),
            }
        }
        Some(Self { head, tail })
    }

    /// Whether this is `**`: every repository there is.
    #[must_use]
    pub(crate) fn is_everything(&self) -> bool {
        self.head.is_empty() && self.tail.as_ref().is_some_and(Vec::is_empty)
    }

    /// Takes off the literal components at the start; what remains is matched against the
    /// rest of a name.
    pub(crate) fn split_literal_start(mut self) -> (Vec<String>, Self) {
        let wild = self.head.iter().position(|component| matches!(component, Component::Wild(_)));
        let rest = self.head.split_off(wild.unwrap_or(self.head.len()));
        let literals = std::mem::replace(&mut self.head, rest);
        let text = |component| match component {
            Component::Literal(text) | Component::Wild(text) => text,
        };
        (literals.into_iter().map(text).collect(), self)
    }

    /// Whether a name, given as its components, matches.
    #[must_use]
    pub(crate) fn matches(&self, name: &[&str]) -> bool {
        let Some((start, rest)) = name.split_at_checked(self.head.len()) else { return false };
        if !all_match(&self.head, start) {
            return false;
        }
        let Some(tail) = &self.tail else { return rest.is_empty() };
        if tail.is_empty() {
            return !rest.is_empty();
        }
        let Some(between) = rest.len().checked_sub(tail.len()) else { return false };
        rest.get(between..).is_some_and(|end| all_match(tail, end))
    }
}

impl RepositoryGlob {
    /// Whether any name matches that begins with these whole components and has more of them.
    #[must_use]
    pub(crate) fn matches_below(&self, start: &[&str]) -> bool {
        let is_long_enough = self.tail.is_some() || self.head.len() > start.len();
        is_long_enough && all_match(&self.head, start)
    }
}

fn all_match(components: &[Component], names: &[&str]) -> bool {
    components.iter().zip(names).all(|(component, name)| component.matches(name))
}

impl Component {
    fn parse(text: &str) -> Option<Self> {
        let known = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-*".contains(&byte)
        };
        let is_read = !text.is_empty() && !text.contains("**") && text.bytes().all(known);
        if !is_read || !has_names(text) {
            return None;
        }
        Some(if text.contains('*') {
            Self::Wild(text.to_owned())
        } else {
            Self::Literal(text.to_owned())
        })
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => text == name,
            Self::Wild(text) => wild_matches(text, name),
        }
    }
}

/// Whether the separators of a component are where names have them: one of `.`, `_`, `__` and
/// hyphens at a time, and none at an end (OCI distribution spec, "Pulling manifests"). No name
/// matches another glob, `team/.*` for instance.
fn has_names(text: &str) -> bool {
    let is_separator = |c: char| matches!(c, '.' | '_' | '-');
    let is_one = |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-');
    !text.starts_with(is_separator)
        && !text.ends_with(is_separator)
        && text.split(|c| !is_separator(c)).all(is_one)
}

/// Whether `name` is `pattern` with each `*` replaced by any bytes.
///
/// The first piece must start the name and the last end it; each piece between is taken at its
/// first place, which leaves the most for the others.
pub(crate) fn wild_matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(first).and_then(|name| name.strip_suffix(last));
    let Some(mut inner) = inner else { return false };
    for piece in middle.split('*') {
        match inner.split_once(piece) {
            Some((_, after)) => inner = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_what_it_says() {
        let rows = [
            ("drycc/**", "drycc/base", true, "one below"),
            ("drycc/**", "drycc/base/alpine", true, "two below"),
            ("drycc/**", "drycc", false, "at least one component at the end"),
            ("drycc/**", "dryccx/base", false, "components, not bytes"),
            ("**", "nginx", true, "everything"),
            ("**", "a/b/c", true, "everything"),
            ("library/*", "library/nginx", true, "one component"),
            ("library/*", "library/a/b", false, "not two"),
            ("**/base", "base", true, "none before"),
            ("**/base", "a/b/base", true, "two before"),
            ("**/base", "a/database", false, "a whole component"),
            ("a/**/z", "a/z", true, "none between"),
            ("a/**/z", "a/b/c/z", true, "two between"),
            ("a/**/z", "a", false, "the ends do not overlap"),
            ("a/**/a", "a", false, "the ends do not overlap"),
            ("team-*/tool", "team-blue/tool", true, "inside a component"),
            ("team-*/tool", "team-/tool", true, "a star may be empty"),
            ("*-ab-*", "x-ab-ab-y", true, "first place of a piece"),
            ("*ab*b", "ab", false, "pieces do not overlap"),
            ("*a*b*", "xxbxa", false, "order matters"),
            ("nginx", "nginx", true, "a literal"),
            ("nginx", "nginx/x", false, "a whole name"),
        ];
        for (glob, name, expected, reason) in rows {
            let glob_parsed = RepositoryGlob::parse(glob).unwrap();
            let components: Vec<&str> = name.split('/').collect();
            assert_eq!(glob_parsed.matches(&components), expected, "{glob} {name}: {reason}");
        }
    }

    #[test]
    fn refuses_what_no_name_can_match() {
        #[rustfmt::skip]
        let globs = [
            "", "/", "a/", "/a", "a//b", "A", "a b", "a/**/b/**", "a**", "***", "ä", "a?",
            "team/.*", ".*", "-a", "a-", "_a/**", "a/b_", "a..b", "a___b", "a._b", "*.-*", "a-/**",
        ];
        for glob in globs {
            assert_eq!(RepositoryGlob::parse(glob), None, "{glob}");
        }
    }

    #[test]
    fn takes_every_separator_of_a_name() {
        for glob in ["a.b", "a_b", "a__b", "a-b", "a---b", "*.b", "a__*", "*-*", "a*", "*a_b.c-d*"]
        {
            assert!(RepositoryGlob::parse(glob).is_some(), "{glob}");
        }
    }
}
