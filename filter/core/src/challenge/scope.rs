//! One entry of a scope: `type[(class)]:name:actions`.
//!
//! The grammar is that of the distribution project's "Docker Registry v2 authentication: token
//! scope documentation", read with more patience: types of other vendors and names with upper
//! case pass.

use std::borrow::Cow;
use std::fmt;

/// The longest entry, in bytes: a name of 255, a host before it, and room.
const MAXIMUM_LENGTH: usize = 1024;

/// What a token may be used for: actions on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    resource_type: &'a str,
    class: Option<&'a str>,
    name: Cow<'a, str>,
    actions: Cow<'a, str>,
}

impl<'a> Scope<'a> {
    /// Reads one entry; `None` if it has no two colons, an empty type or name, brackets that
    /// do not hold a class, bytes that no scope has (RFC 6749 section 3.3), or is longer than
    /// 1 KiB.
    ///
    /// It is cut at the first and at the last colon: a name may begin with `host:port/`.
    #[must_use]
    pub fn parse(entry: &'a str) -> Option<Self> {
        if entry.len() > MAXIMUM_LENGTH || !entry.bytes().all(is_scope_byte) {
            return None;
        }
        let (resource_type, rest) = entry.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let (resource_type, class) = split_class(resource_type)?;
        let (name, actions) = (Cow::Borrowed(name), Cow::Borrowed(actions));
        (!name.is_empty()).then_some(Self { resource_type, class, name, actions })
    }

    /// The kind of resource: `repository`, `registry`, or one of a vendor's own.
    #[must_use]
    pub const fn resource_type(&self) -> &str {
        self.resource_type
    }

    /// The class in brackets after the type: `plugin` of `repository(plugin)`.
    #[must_use]
    pub const fn class(&self) -> Option<&str> {
        self.class
    }

    /// The resource: a repository's name, perhaps after `host:port/`, or `catalog`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The repository, if the resource is one, of whatever class.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        (self.resource_type == "repository").then_some(&*self.name)
    }

    /// The actions in their order: `pull`, `push`, `delete`, `*`. There may be none.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.split(',').filter(|action| !action.is_empty())
    }

    /// The same actions on another resource of the same type and class.
    #[must_use]
    pub fn with_name(&self, name: &str) -> Self {
        Self { name: Cow::Owned(name.to_owned()), ..self.clone() }
    }

    /// These actions on the same resource.
    #[must_use]
    pub fn with_actions(&self, actions: &[&str]) -> Self {
        Self { actions: Cow::Owned(actions.join(",")), ..self.clone() }
    }

    /// Whether both are about the same resource.
    fn is_of_the_resource_of(&self, other: &Self) -> bool {
        let resource = |scope: &Self| (scope.resource_type, scope.class);
        resource(self) == resource(other) && self.name == other.name
    }

    /// Takes over the other's actions, if both are about the same resource; whether they were.
    pub(super) fn absorb(&mut self, other: &Self) -> bool {
        let absorbs = self.is_of_the_resource_of(other);
        if absorbs {
            let mut actions: Vec<&str> = self.actions().collect();
            for action in other.actions() {
                if !actions.contains(&action) {
                    actions.push(action);
                }
            }
            *self = self.with_actions(&actions);
        }
        absorbs
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.resource_type)?;
        if let Some(class) = self.class {
            write!(formatter, "({class})")?;
        }
        write!(formatter, ":{}:{}", self.name, self.actions)
    }
}

/// An entry of a scope, understood or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeEntry<'a> {
    /// Actions on a resource.
    Scope(Scope<'a>),
    /// Anything else, as it came, to be passed or dropped. It may hold any character but
    /// ASCII white space.
    Opaque(&'a str),
}

impl<'a> ScopeEntry<'a> {
    /// Reads one entry; `None` if it is longer than 1 KiB.
    #[must_use]
    pub fn parse(entry: &'a str) -> Option<Self> {
        let opaque = || Self::Opaque(entry);
        (entry.len() <= MAXIMUM_LENGTH)
            .then(|| Scope::parse(entry).map_or_else(opaque, Self::Scope))
    }
}

impl fmt::Display for ScopeEntry<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => scope.fmt(formatter),
            Self::Opaque(entry) => formatter.write_str(entry),
        }
    }
}

/// `type` or `type(class)`.
fn split_class(text: &str) -> Option<(&str, Option<&str>)> {
    let (resource_type, class) = match text.split_once('(') {
        Some((resource_type, rest)) => (resource_type, Some(rest.strip_suffix(')')?)),
        None => (text, None),
    };
    let is_word = |word: &str| !word.is_empty() && !word.contains(['(', ')']);
    (is_word(resource_type) && class.is_none_or(is_word)).then_some((resource_type, class))
}

/// A byte of `scope-token` (RFC 6749 section 3.3): visible ASCII but the quote and the
/// backslash. Something else in a name is somebody's attempt to be read in two ways.
const fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Type, class, name, actions.
    type Parts<'a> = (&'a str, Option<&'a str>, &'a str, &'a [&'a str]);

    #[test]
    fn entries() {
        let longest = format!("repository:{}:pull", "a".repeat(1024 - 16));
        let longest_name = "a".repeat(1024 - 16);
        let too_long = format!("{longest},push");
        #[rustfmt::skip]
        let rows: &[(&str, Option<Parts<'_>>, &str)] = &[
            ("repository:library/nginx:pull", Some(("repository", None, "library/nginx", &["pull"])), "plain"),
            ("repository:a:pull,push", Some(("repository", None, "a", &["pull", "push"])), "two actions"),
            ("repository:a:*", Some(("repository", None, "a", &["*"])), "every action"),
            ("repository(plugin):a/b:pull", Some(("repository", Some("plugin"), "a/b", &["pull"])), "a class"),
            ("registry:catalog:*", Some(("registry", None, "catalog", &["*"])), "the catalog"),
            ("repository:host:5000/a/b:pull", Some(("repository", None, "host:5000/a/b", &["pull"])), "first and last colon"),
            ("artifact-repository:a:metadata_read", Some(("artifact-repository", None, "a", &["metadata_read"])), "a vendor's type"),
            ("repository:a:", Some(("repository", None, "a", &[])), "no action at all"),
            ("repository:a:,pull,", Some(("repository", None, "a", &["pull"])), "empty actions"),
            (&longest, Some(("repository", None, &longest_name, &["pull"])), "1 KiB"),
            (&too_long, None, "more than 1 KiB"),
            ("", None, "nothing"),
            ("openid", None, "no colon"),
            ("repository:a", None, "one colon: no actions"),
            (":a:pull", None, "no type"),
            ("repository::pull", None, "no name"),
            ("::", None, "nothing but colons"),
            ("repository():a:pull", None, "empty class"),
            ("repository(plugin:a:pull", None, "no closing bracket"),
            ("repository(a)b:a:pull", None, "text after the class"),
            ("repository(a)(b):a:pull", None, "two classes"),
            ("(plugin):a:pull", None, "a class without a type"),
            ("repository:a b:pull", None, "a space ends an entry"),
            ("repository:a\"b:pull", None, "a quote"),
            ("repository:a\\b:pull", None, "a backslash"),
            ("repository:ä:pull", None, "not ASCII"),
            ("repository:a\u{b}:pull", None, "a vertical tab, at which some servers split"),
        ];
        for (entry, wanted, reason) in rows {
            let scope = Scope::parse(entry);
            let parts = scope.as_ref().map(|scope| {
                let actions: Vec<&str> = scope.actions().collect();
                (scope.resource_type(), scope.class(), scope.name(), actions)
            });
            let wanted =
                wanted.map(|(kind, class, name, actions)| (kind, class, name, actions.to_vec()));
            assert_eq!(parts, wanted, "{entry:?}: {reason}");
            assert!(scope.is_none_or(|scope| scope.to_string() == *entry), "{entry:?}: printed");
        }
    }

    #[test]
    fn only_repositories_are_repositories() {
        let repository = |entry| Scope::parse(entry).unwrap().repository().map(str::to_owned);
        assert_eq!(repository("repository:a/b:pull").as_deref(), Some("a/b"));
        assert_eq!(repository("repository(plugin):a/b:pull").as_deref(), Some("a/b"));
        assert_eq!(repository("registry:catalog:*"), None);
        assert_eq!(repository("Repository:a/b:pull"), None);
    }

    #[test]
    fn a_part_is_exchanged_and_the_rest_stays() {
        let scope = Scope::parse("repository(plugin):acme/tool:pull,push").unwrap();
        assert_eq!(
            scope.with_name("drycc/tool").to_string(),
            "repository(plugin):drycc/tool:pull,push"
        );
        assert_eq!(scope.with_actions(&["pull"]).to_string(), "repository(plugin):acme/tool:pull");
        assert_eq!(scope.with_actions(&[]).to_string(), "repository(plugin):acme/tool:");
    }

    #[test]
    fn opaque_scopes_are_kept_up_to_a_length() {
        assert_eq!(ScopeEntry::parse("openid"), Some(ScopeEntry::Opaque("openid")));
        assert_eq!(ScopeEntry::parse("openid").unwrap().to_string(), "openid");
        assert!(matches!(ScopeEntry::parse("registry:catalog:*"), Some(ScopeEntry::Scope(_))));
        assert_eq!(ScopeEntry::parse(&"a".repeat(1024)).unwrap().to_string().len(), 1024);
        assert_eq!(ScopeEntry::parse(&"a".repeat(1025)), None);
    }

    proptest! {
        #[test]
        fn printing_gives_the_entry_back(entry in "[ab():,/]{0,16}") {
            prop_assert_eq!(ScopeEntry::parse(&entry).unwrap().to_string(), entry);
        }

        #[test]
        fn any_text_is_an_entry(entry in any::<String>()) {
            let parsed = ScopeEntry::parse(&entry);
            prop_assert_eq!(parsed.map(|parsed| parsed.to_string()), (entry.len() <= 1024).then_some(entry));
        }
    }
}
