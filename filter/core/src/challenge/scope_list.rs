//! Several scopes: the `scope` of a challenge or of a token request.

use std::fmt;

use super::scope::ScopeEntry;

/// The most entries. A client asks for one, or two when it mounts a blob of another repository.
const MAXIMUM_ENTRIES: usize = 100;

/// More than 100 entries, or one of more than 1 KiB. Whoever sent it is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeListTooLarge;

impl fmt::Display for ScopeListTooLarge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .write_str("the scope has more than 100 entries, or one of more than 1 KiB; ask for less at a time")
    }
}

impl std::error::Error for ScopeListTooLarge {}

/// Entries in their order. It prints as they stand in a `scope`: with one space between two
/// (RFC 6749 section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeList<'a>(Vec<ScopeEntry<'a>>);

impl<'a> ScopeList<'a> {
    /// Reads lists of entries: one value of a challenge, or all `scope` parameters of a token
    /// request, decoded. Entries are split at any ASCII white space, of any length, so that
    /// a list that is printed holds no other entries for servers that split elsewhere.
    ///
    /// # Errors
    /// [`ScopeListTooLarge`] for more than 100 entries in all, or one of more than 1 KiB.
    pub fn parse(values: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeListTooLarge> {
        let entries = values.into_iter().flat_map(str::split_ascii_whitespace);
        let entries: Option<Vec<_>> =
            entries.take(MAXIMUM_ENTRIES.saturating_add(1)).map(ScopeEntry::parse).collect();
        entries
            .filter(|entries| entries.len() <= MAXIMUM_ENTRIES)
            .map(Self)
            .ok_or(ScopeListTooLarge)
    }

    /// The entries in their order.
    #[must_use]
    pub fn entries(&self) -> &[ScopeEntry<'a>] {
        &self.0
    }

    /// The list with every repository's name exchanged, and without those that have no other
    /// name; all else stays.
    #[must_use]
    pub fn map_repositories(self, new_name: &dyn Fn(&str) -> Option<String>) -> Self {
        let map = |entry| match entry {
            ScopeEntry::Scope(scope) => Some(ScopeEntry::Scope(match scope.repository() {
                Some(name) => scope.with_name(&new_name(name)?),
                None => scope,
            })),
            opaque @ ScopeEntry::Opaque(_) => Some(opaque),
        };
        self.into_iter().filter_map(map).collect()
    }

    /// The list with one entry for each resource, at its first place and with all actions that
    /// are asked on it.
    ///
    /// Clients ask for the challenge's scope beside their own, and `nginx` and `library/nginx`
    /// may be one repository upstream.
    #[must_use]
    pub fn merged(self) -> Self {
        let mut merged: Vec<ScopeEntry<'a>> = Vec::new();
        for entry in self {
            if !merged.iter_mut().any(|known| absorbs(known, &entry)) {
                merged.push(entry);
            }
        }
        Self(merged)
    }
}

fn absorbs<'a>(known: &mut ScopeEntry<'a>, entry: &ScopeEntry<'a>) -> bool {
    match (known, entry) {
        (ScopeEntry::Scope(known), ScopeEntry::Scope(scope)) => known.absorb(scope),
        (known, entry) => known == entry,
    }
}

impl<'a> IntoIterator for ScopeList<'a> {
    type Item = ScopeEntry<'a>;
    type IntoIter = std::vec::IntoIter<ScopeEntry<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> FromIterator<ScopeEntry<'a>> for ScopeList<'a> {
    fn from_iter<I: IntoIterator<Item = ScopeEntry<'a>>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl fmt::Display for ScopeList<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<String> = self.0.iter().map(ScopeEntry::to_string).collect();
        formatter.write_str(&entries.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse<'a>(values: &[&'a str]) -> ScopeList<'a> {
        ScopeList::parse(values.iter().copied()).unwrap()
    }

    #[test]
    fn lists() {
        #[rustfmt::skip]
        let rows: &[(&[&str], &str, &str)] = &[
            (&[], "", "no scope"),
            (&[""], "", "an empty one"),
            (&["  "], "", "only spaces"),
            (&["repository:a:pull"], "repository:a:pull", "one entry"),
            (&["  repository:a:pull   registry:catalog:* "], "repository:a:pull registry:catalog:*", "several spaces"),
            (&["repository:a:pull\trepository:b:pull\n"], "repository:a:pull repository:b:pull", "other white space hides no entry"),
            (&["repository:b:pull openid", "repository:a:pull"], "repository:b:pull openid repository:a:pull", "several values, several entries in one"),
        ];
        for (values, wanted, reason) in rows {
            assert_eq!(parse(values).to_string(), *wanted, "{values:?}: {reason}");
        }
    }

    #[test]
    fn bounds() {
        let entries = |count: usize| "repository:a:pull ".repeat(count);
        assert_eq!(parse(&[&entries(100)]).entries().len(), 100);
        assert_eq!(parse(&[&entries(50), &entries(50)]).entries().len(), 100);
        assert_eq!(ScopeList::parse([&*entries(101)]), Err(ScopeListTooLarge));
        assert_eq!(
            ScopeList::parse([&*entries(50), &*entries(51)]),
            Err(ScopeListTooLarge),
            "in all"
        );
        let long = format!("repository:{}:pull", "a".repeat(1024));
        assert_eq!(ScopeList::parse(["openid", &long]), Err(ScopeListTooLarge));
        assert!(ScopeListTooLarge.to_string().contains("100 entries"));
    }

    #[test]
    fn repositories_are_renamed_and_all_else_stays() {
        let list = parse(&[
            "repository:tool:pull repository:gone:pull openid repository(plugin):a/b:* registry:catalog:*",
        ]);
        let mapped =
            list.map_repositories(&|name| (name != "gone").then(|| format!("acme/{name}")));
        assert_eq!(
            mapped.to_string(),
            "repository:acme/tool:pull openid repository(plugin):acme/a/b:* registry:catalog:*"
        );
    }

    #[test]
    fn a_resource_is_asked_for_once() {
        #[rustfmt::skip]
        let rows: &[(&str, &str, &str)] = &[
            ("repository:a:pull repository:a:pull", "repository:a:pull", "the same twice"),
            ("repository:a:pull repository:a:pull,push", "repository:a:pull,push", "more actions"),
            ("repository:a:push repository:b:pull repository:a:pull", "repository:a:push,pull repository:b:pull", "the first place, all actions"),
            ("repository:a:pull repository(plugin):a:pull", "repository:a:pull repository(plugin):a:pull", "another class"),
            ("registry:a:pull repository:a:pull", "registry:a:pull repository:a:pull", "another type"),
            ("openid openid profile", "openid profile", "opaque entries too"),
            ("repository:nginx:pull repository:library/nginx:pull", "repository:nginx:pull repository:library/nginx:pull", "two names are two"),
        ];
        for (list, wanted, reason) in rows {
            assert_eq!(parse(&[list]).merged().to_string(), *wanted, "{list:?}: {reason}");
        }
    }

    #[test]
    fn two_names_of_one_repository_are_asked_for_once() {
        // the upstream knows both as `library/nginx`.
        let upstream = |name: &str| match name {
            "nginx" => Some("library/nginx".to_owned()),
            other => Some(other.to_owned()),
        };
        let list = parse(&["repository:nginx:pull repository:library/nginx:pull"]);
        let sent = list.map_repositories(&upstream).merged();
        assert_eq!(sent.to_string(), "repository:library/nginx:pull");
    }

    /// What a list grants, as a set.
    fn grants(list: &ScopeList<'_>) -> std::collections::BTreeSet<String> {
        let mut grants = std::collections::BTreeSet::new();
        for entry in list.entries() {
            match entry {
                ScopeEntry::Opaque(entry) => drop(grants.insert((*entry).to_owned())),
                ScopeEntry::Scope(scope) => {
                    grants.insert(scope.with_actions(&[]).to_string());
                    grants.extend(scope.actions().map(|it| scope.with_actions(&[it]).to_string()));
                }
            }
        }
        grants
    }

    proptest! {
        #[test]
        fn printing_then_reading_gives_the_same_list(text in "[ab():,/ \t]{0,40}") {
            let list = ScopeList::parse([&*text]).unwrap();
            let printed = list.to_string();
            prop_assert_eq!(ScopeList::parse([&*printed]).unwrap(), list);
        }

        #[test]
        fn merging_grants_the_same(text in "((r|r\\(c\\)):[ab]:(p|q|p,q|) ?|x |y ){0,12}") {
            let list = ScopeList::parse([&*text]).unwrap();
            let merged = list.clone().merged();
            prop_assert_eq!(grants(&merged), grants(&list));
            prop_assert_eq!(merged.clone().merged(), merged);
        }
    }
}
