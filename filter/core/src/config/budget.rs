//! A budget: a rate limit for all requests of one kind.

use std::time::Duration;

/// A budget: tokens that come back evenly. It is about requests that are all that is written here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many requests.
    pub requests: u32,
    /// In how long a time; at least a second.
    pub per: Duration,
    /// How many at once, where none came before.
    pub burst: u32,
    /// Those through one of these fronts; empty for any.
    pub fronts: Vec<String>,
    /// Those of one of these classes, by the words of the access log; empty for any.
    pub classes: Vec<&'static str>,
    /// Those of clients of one of these regions; empty for any.
    pub regions: Vec<String>,
    /// Those that one of these backends is asked first; empty for any.
    pub backends: Vec<String>,
    /// What each value of has a budget of its own; empty for one budget for all.
    pub each: Vec<Each>,
}

/// What budgets can be kept apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Each {
    /// The front.
    Front,
    /// The class.
    Class,
    /// The region of the client.
    Region,
    /// The client: its IPv4 address, its IPv6 /64.
    Client,
    /// The user, by the name that a password was right for. A request without one is not counted.
    User,
}

/// The words of classes that are carried to backends, as the access log and the metrics have them.
pub(crate) const CLASSES: &[&str] =
    &["read_manifest", "read_blob", "tags", "referrers", "write", "upload", "catalog"];

/// The words for [`Each`].
pub(crate) const EACH: [(&str, Each); 5] = [
    ("front", Each::Front),
    ("class", Each::Class),
    ("region", Each::Region),
    ("client", Each::Client),
    ("user", Each::User),
];

/// The words alone.
pub(crate) const EACH_WORDS: &[&str] = &[EACH[0].0, EACH[1].0, EACH[2].0, EACH[3].0, EACH[4].0];
