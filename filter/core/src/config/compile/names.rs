//! Resolves names in a policy: each is declared once, and unknown names are mistakes with a
//! suggestion.

use std::collections::BTreeMap;

use crate::config::mistake::{Mistakes, Path};
use crate::config::nearest::unknown_name;
use crate::config::ordered::map;
use crate::config::user_info::hidden;

/// The position of each name.
pub(super) fn ids_by_name<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u32> {
    map(names.zip(0..))
}

/// That a name is not known, and which one may be meant.
pub(crate) fn unknown(what: &str, name: &str, known: &BTreeMap<&str, u32>) -> String {
    let names: Vec<&str> = known.keys().copied().collect();
    unknown_name(what, &hidden(name), &names)
}

/// Remembers where each value was declared and complains about the second place.
pub(crate) struct Once<'m, K> {
    seen: BTreeMap<K, String>,
    mistakes: &'m Mistakes,
}

impl<'m, K: Ord> Once<'m, K> {
    pub(crate) fn new(mistakes: &'m Mistakes) -> Self {
        Self { seen: BTreeMap::new(), mistakes }
    }

    /// Whether this is the first place of `key`; `what` names it for the message.
    pub(crate) fn claim(&mut self, key: K, owner: &str, what: &str, path: &Path<'_>) -> bool {
        if let Some(first) = self.seen.get(&key) {
            let is_item = matches!(path, Path::Item(..));
            let message = if is_item && first == owner {
                format!("{what} stands twice; write it once")
            } else {
                format!("{what} already belongs to `{first}`; keep it in one place")
            };
            self.mistakes.add(path, message);
            return false;
        }
        self.seen.insert(key, owner.to_owned());
        true
    }
}
