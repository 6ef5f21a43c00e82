//! Maps the name of a repository at the front to its name at a backend, and back.

/// One rewrite: names that start with `front` start with `backend` instead.
///
/// Both are empty or end with a slash, so that a prefix always ends where a component ends:
/// `team/` is never a prefix of `teamwork/tool`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRewrite {
    /// The prefix that clients use.
    pub front: String,
    /// The prefix that the backend uses.
    pub backend: String,
}

/// All rewrites of one backend. The longest matching prefix wins; other names stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameMapping {
    by_front: Vec<NameRewrite>,
    by_backend: Vec<NameRewrite>,
}

impl NameMapping {
    /// Orders the rewrites for both directions.
    #[must_use]
    pub fn new(rewrites: Vec<NameRewrite>) -> Self {
        let mut by_front = rewrites;
        let mut by_backend = by_front.clone();
        by_front.sort_by_key(|rewrite| std::cmp::Reverse(rewrite.front.len()));
        by_backend.sort_by_key(|rewrite| std::cmp::Reverse(rewrite.backend.len()));
        Self { by_front, by_backend }
    }

    /// Whether every name stays as it is.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.by_front.is_empty()
    }

    /// The backend's name of a front's repository.
    #[must_use]
    pub fn to_backend(&self, name: &str) -> String {
        concatenate(self.split_front(name), name)
    }

    /// The length in bytes of the backend's name of a front's repository.
    #[must_use]
    pub fn length_at_backend(&self, name: &str) -> usize {
        let hit = self.split_front(name);
        hit.map_or(name.len(), |(prefix, rest)| prefix.len().saturating_add(rest.len()))
    }

    /// The backend's prefix and what follows the front's.
    fn split_front<'n>(&self, name: &'n str) -> Option<(&str, &'n str)> {
        self.by_front.iter().find_map(|rewrite| {
            Some((rewrite.backend.as_str(), name.strip_prefix(rewrite.front.as_str())?))
        })
    }

    /// The front's name of a backend's repository.
    #[must_use]
    pub fn to_front(&self, name: &str) -> String {
        let hit = self.by_backend.iter().find_map(|rewrite| {
            Some((rewrite.front.as_str(), name.strip_prefix(rewrite.backend.as_str())?))
        });
        concatenate(hit, name)
    }
}

fn concatenate(hit: Option<(&str, &str)>, name: &str) -> String {
    match hit {
        Some((prefix, rest)) => [prefix, rest].concat(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(rewrites: &[(&str, &str)]) -> NameMapping {
        let rewrite = |&(front, backend): &(&str, &str)| NameRewrite {
            front: front.to_owned(),
            backend: backend.to_owned(),
        };
        NameMapping::new(rewrites.iter().map(rewrite).collect())
    }

    #[test]
    fn the_longest_prefix_wins_both_ways() {
        let names = mapping(&[("drycc/", "acme/"), ("drycc/base/", "images/"), ("", "other/")]);
        let rows = [
            ("drycc/tool", "acme/tool"),
            ("drycc/base/alpine", "images/alpine"),
            ("dryccx/tool", "other/dryccx/tool"),
            ("tool", "other/tool"),
        ];
        for (front, backend) in rows {
            assert_eq!(names.to_backend(front), backend);
            assert_eq!(names.length_at_backend(front), backend.len());
            assert_eq!(names.to_front(backend), front);
        }
    }

    #[test]
    fn a_name_without_a_rewrite_stays() {
        let names = mapping(&[("drycc/", "acme/")]);
        assert_eq!(names.to_backend("library/nginx"), "library/nginx");
        assert_eq!(names.to_front("library/nginx"), "library/nginx");
        assert!(mapping(&[]).is_identity() && !names.is_identity());
    }
}
