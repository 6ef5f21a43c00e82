//! Policies for tests: a test names the fields that it is about, and the rest is there.
//!
//! ```
//! use portolan_policy_builder::{Backend, Policy, Rule};
//!
//! let policy = Policy::new()
//!     .backend("near", Backend::at("https://near.example"))
//!     .backend("far", Backend::at("https://far.example").names("team/", "acme/"))
//!     .rule(Rule::of("team").owner("far").chain(["near", "far"]));
//! assert!(policy.json().contains(r#""repositories":["team/**"]"#));
//! ```
//!
//! A field that has no method is set by `with`, which takes the name and the value that a policy
//! file would have. The text is not checked here: a test of a mistake makes policies with mistakes.

mod backend;
mod front;
mod object;
mod region;
mod rule;

use std::fmt::Debug;

use serde_json::{Map, Value};

pub use backend::Backend;
pub use front::Front;
pub use object::strings;
pub use region::Region;
pub use rule::Rule;
pub use serde_json::json;

/// A policy that is being made. Fronts, backends and rules keep the order in which they come.
///
/// Sections that a test leaves out are filled when the text is made: a front `main` at the host
/// [`HOST`], a region `default`, and, where there are backends, a rule `all` for every repository
/// whose chain has every backend, in their order.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    fields: Map<String, Value>,
    fronts: Map<String, Value>,
    backends: Map<String, Value>,
    regions: Map<String, Value>,
    networks: Map<String, Value>,
    credentials: Map<String, Value>,
    rules: Vec<Value>,
    changes: Vec<(String, Value)>,
}

/// The host of the front `main` that a policy has if a test names no front.
pub const HOST: &str = "registry.example.com";

impl Policy {
    /// A policy of which nothing has been said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The smallest policy that is served: one backend `a` at `https://a.example` for everything.
    #[must_use]
    pub fn smallest() -> Self {
        Self::new().backend("a", Backend::at("https://a.example"))
    }

    /// Adds a front.
    #[must_use]
    pub fn front(mut self, name: &str, front: Front) -> Self {
        self.fronts.insert(name.to_owned(), front.into());
        self
    }

    /// Adds a backend.
    #[must_use]
    pub fn backend(mut self, name: &str, backend: Backend) -> Self {
        self.backends.insert(name.to_owned(), backend.into());
        self
    }

    /// Adds a region. The region `default` is there without being added.
    #[must_use]
    pub fn region(mut self, name: &str, region: Region) -> Self {
        self.regions.insert(name.to_owned(), region.into());
        self
    }

    /// Adds a network: a label and its prefixes.
    #[must_use]
    pub fn network<const N: usize>(mut self, label: &str, prefixes: [&str; N]) -> Self {
        self.networks.insert(label.to_owned(), strings(prefixes));
        self
    }

    /// Adds a credential, which is in the file `/c/NAME`.
    #[must_use]
    pub fn credential(mut self, name: &str) -> Self {
        self.credentials.insert(name.to_owned(), json!({"file": format!("/c/{name}")}));
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule.into());
        self
    }

    /// Says that the proxy looks countries up in a database.
    #[must_use]
    pub fn geo_database(self) -> Self {
        self.with("clients", json!({"geo": {"database": "/geo.mmdb"}}))
    }

    /// Sets any field at the top of the policy, such as `clients` or `blob_stores`.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// Changes one value of the document, or adds one, by its JSON pointer: the way to say in what
    /// a policy differs from one that several tests share. Objects on the way are made. The last of
    /// equal pointers counts.
    #[must_use]
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.changes.push((pointer.to_owned(), value.into()));
        self
    }

    /// The document.
    ///
    /// # Panics
    ///
    /// If the pointer of a change leads into a value that has no parts, or behind a list's end.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut document = self.sections();
        for (pointer, value) in &self.changes {
            change(&mut document, pointer, value);
        }
        document
    }

    fn sections(&self) -> Value {
        let mut document = Map::new();
        document.insert("version".to_owned(), 1.into());
        let mut put = |field: &str, section: &Map<String, Value>| {
            if !section.is_empty() {
                document.insert(field.to_owned(), section.clone().into());
            }
        };
        put("fronts", &self.fronts_or_main());
        put("backends", &self.backends);
        put("networks", &self.networks);
        put("credentials", &self.credentials);
        put("regions", &self.all_regions());
        if let Some(rules) = self.rules_or_all() {
            document.insert("rules".to_owned(), rules.into());
        }
        document.extend(self.fields.clone());
        document.into()
    }

    fn fronts_or_main(&self) -> Map<String, Value> {
        if self.fronts.is_empty() {
            let main = ("main".to_owned(), Front::at([HOST]).into());
            return Map::from_iter([main]);
        }
        self.fronts.clone()
    }

    fn all_regions(&self) -> Map<String, Value> {
        let mut regions = self.regions.clone();
        regions.entry("default").or_insert_with(|| json!({}));
        regions
    }

    fn rules_or_all(&self) -> Option<Vec<Value>> {
        if !self.rules.is_empty() {
            return Some(self.rules.clone());
        }
        let all = || self.backends.keys().map(String::as_str);
        (!self.backends.is_empty()).then(|| vec![Rule::all().chain(all()).into()])
    }

    /// The text, as JSON in one line.
    #[must_use]
    pub fn json(&self) -> String {
        self.document().to_string()
    }

    /// What a reader of policies makes of it, such as `Config::from_json`.
    ///
    /// # Panics
    ///
    /// If the reader refuses it, with the mistakes and the text.
    pub fn read_by<T, E: Debug>(&self, reader: impl FnOnce(&[u8]) -> Result<T, E>) -> T {
        let text = self.json();
        #[expect(clippy::panic, reason = "a panic in a test is its result")]
        reader(text.as_bytes()).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\nin {text}"))
    }
}

fn change(document: &mut Value, pointer: &str, value: &Value) {
    let mut place = Some(document);
    for key in pointer.split('/').skip(1) {
        place = place.and_then(|parent| match parent {
            Value::Object(fields) => Some(fields.entry(key).or_insert_with(|| json!({}))),
            Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        });
    }
    #[expect(clippy::panic, reason = "a panic in a test is its result")]
    let place = place.unwrap_or_else(|| panic!("{pointer} leads nowhere"));
    *place = value.clone();
}

#[cfg(test)]
mod tests;
