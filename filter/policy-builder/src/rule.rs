//! The fields of a rule.

use serde_json::{Map, Value, json};

use crate::object::{object, strings};

/// A rule that is being made.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    fields: Map<String, Value>,
}

object!(Rule);

impl Rule {
    /// A rule `NAME` for the repositories `NAME/**`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let pattern = format!("{name}/**");
        Self::default().with("name", name).repositories([pattern.as_str()])
    }

    /// A rule `all` for every repository.
    #[must_use]
    pub fn all() -> Self {
        Self::default().with("name", "all").repositories(["**"])
    }

    /// It is for these patterns of repositories.
    #[must_use]
    pub fn repositories<const N: usize>(self, patterns: [&str; N]) -> Self {
        self.with("repositories", strings(patterns))
    }

    /// The chain of the region `default`, and of every region that has none of its own.
    #[must_use]
    pub fn chain<'b>(self, backends: impl IntoIterator<Item = &'b str>) -> Self {
        self.chain_of("default", backends)
    }

    /// The chain of a region.
    #[must_use]
    pub fn chain_of<'b>(
        mut self,
        region: &str,
        backends: impl IntoIterator<Item = &'b str>,
    ) -> Self {
        let chains = self.fields.entry("chains").or_insert_with(|| json!({}));
        if let Some(chains) = chains.as_object_mut() {
            chains.insert(region.to_owned(), strings(backends));
        }
        self
    }

    /// The backend that takes pushes.
    #[must_use]
    pub fn owner(self, backend: &str) -> Self {
        self.with("owner", backend)
    }

    /// The backends that have the same tags.
    #[must_use]
    pub fn replicas<const N: usize>(self, backends: [&str; N]) -> Self {
        self.with("replicas", strings(backends))
    }

    /// Who may read: `anyone` or `authenticated`.
    #[must_use]
    pub fn readers(self, who: &str) -> Self {
        self.with("readers", who)
    }

    /// Who may push.
    #[must_use]
    pub fn writers(self, who: &str) -> Self {
        self.with("writers", who)
    }

    /// The fronts at which it counts.
    #[must_use]
    pub fn fronts<const N: usize>(self, fronts: [&str; N]) -> Self {
        self.with("fronts", strings(fronts))
    }
}
