//! Finds the first rule that matches a name without trying them all.
//!
//! The globs are kept in a tree by their literal first components. A lookup walks down the
//! components of the name and, on the way, tries only the globs that hang there: with 10,000
//! rules of the form `team-N/**` that is one.

use std::collections::BTreeMap;

use crate::config::ids::RuleId;
use crate::config::repository_glob::RepositoryGlob;

/// The globs of all rules, ready for lookups.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleIndex {
    root: Place,
}

#[derive(Clone, Debug, Default)]
struct Place {
    below: BTreeMap<String, Place>,
    /// What remains of the globs whose literal start ends here, in the order of their rules.
    globs: Vec<(RuleId, RepositoryGlob)>,
}

impl RuleIndex {
    /// Adds a glob of a rule. Rules must be added in their order.
    pub(crate) fn add(&mut self, rule: RuleId, glob: RepositoryGlob) {
        let (start, rest) = glob.split_literal_start();
        let mut place = &mut self.root;
        for component in start {
            place = place.below.entry(component).or_default();
        }
        place.globs.push((rule, rest));
    }

    /// The first rule, in the order of the policy, that matches this repository name and is
    /// `meant`.
    #[must_use]
    pub(crate) fn find(&self, name: &str, meant: impl Fn(RuleId) -> bool) -> Option<RuleId> {
        let components: Vec<&str> = name.split('/').collect();
        let mut rest = components.as_slice();
        let mut place = &self.root;
        let mut best = None;
        loop {
            best = place.first_match(rest, best, &meant);
            let Some((component, after)) = rest.split_first() else { return best };
            let Some(next) = place.below.get(*component) else { return best };
            (place, rest) = (next, after);
        }
    }
}

impl RuleIndex {
    /// Whether a glob of a rule matches any name that begins with a prefix, which is empty or ends
    /// with a slash.
    #[must_use]
    pub(crate) fn is_below(&self, rule: RuleId, prefix: &str) -> bool {
        let components: Vec<&str> = prefix.split_terminator('/').collect();
        let mut rest = components.as_slice();
        let mut place = &self.root;
        loop {
            let mut own = place.globs.iter().filter(|(id, _)| *id == rule);
            if own.any(|(_, glob)| glob.matches_below(rest)) {
                return true;
            }
            let Some((component, after)) = rest.split_first() else {
                return place.below.values().any(|further| further.has(rule));
            };
            let Some(next) = place.below.get(*component) else { return false };
            (place, rest) = (next, after);
        }
    }
}

impl Place {
    /// Whether a glob of a rule hangs here or further down.
    fn has(&self, rule: RuleId) -> bool {
        let here = self.globs.iter().any(|(id, _)| *id == rule);
        here || self.below.values().any(|place| place.has(rule))
    }

    /// The lowest rule that matches here, if it comes before `best`.
    fn first_match(
        &self,
        rest: &[&str],
        best: Option<RuleId>,
        meant: &impl Fn(RuleId) -> bool,
    ) -> Option<RuleId> {
        let earlier =
            self.globs.iter().take_while(|(rule, _)| best.is_none_or(|best| *rule < best));
        let mut hits = earlier.filter(|(_, glob)| glob.matches(rest)).map(|(rule, _)| *rule);
        let hit = hits.find(|rule| meant(*rule));
        hit.or(best)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(globs: &[&str]) -> RuleIndex {
        let mut index = RuleIndex::default();
        for (rule, glob) in (0..).map(RuleId::new).zip(globs) {
            index.add(rule, RepositoryGlob::parse(glob).unwrap());
        }
        index
    }

    fn any(_: RuleId) -> bool {
        true
    }

    #[test]
    fn the_first_rule_wins_wherever_its_glob_hangs() {
        let rules = index(&["a/b/c", "a/**", "**/c", "*/b", "x"]);
        let rows = [
            ("a/b/c", Some(0)),
            ("a/b", Some(1)),
            ("q/c", Some(2)),
            ("q/b", Some(3)),
            ("x", Some(4)),
            ("q", None),
        ];
        for (name, rule) in rows {
            assert_eq!(rules.find(name, any), rule.map(RuleId::new), "{name}");
        }
        assert_eq!(index(&["**", "a"]).find("a", any), Some(RuleId::new(0)));
        assert_eq!(index(&["a", "**"]).find("a", any), Some(RuleId::new(0)));
    }

    #[test]
    fn globs_below_a_prefix() {
        #[rustfmt::skip]
        let rows = [
            ("docker.io/library/*", "docker.io/", true, "below it"),
            ("docker.io/library/*", "docker.io/library/", true, "the wild component is the name"),
            ("docker.io/library/*", "docker.io/team/", false, "another namespace"),
            ("docker.io/app", "docker.io/", true, "one name"),
            ("docker.io", "docker.io/", false, "the prefix is no name itself"),
            ("**", "docker.io/", true, "everything"),
            ("*.io/**", "docker.io/", true, "a pattern"),
            ("*.io/**", "quay.example/", false, "another pattern"),
            ("*/*", "a/b/", false, "too short"),
            ("**/app", "a/b/", true, "at any depth"),
            ("team/**", "", true, "every name"),
        ];
        for (glob, prefix, expected, reason) in rows {
            let rules = index(&[glob, "x/y"]);
            assert_eq!(
                rules.is_below(RuleId::new(0), prefix),
                expected,
                "{glob} {prefix}: {reason}"
            );
            assert!(!rules.is_below(RuleId::new(1), "z/"), "another rule");
        }
    }

    /// The naive twin: every glob in turn, and no tree.
    fn find_naively(globs: &[String], name: &str, meant: &[bool]) -> Option<RuleId> {
        let components: Vec<&str> = name.split('/').collect();
        let matches = |glob: &String| RepositoryGlob::parse(glob).unwrap().matches(&components);
        let mut rules = globs.iter().zip(meant);
        let first = rules.position(|(glob, meant)| *meant && matches(glob));
        first.map(|rule| RuleId::new(u32::try_from(rule).unwrap()))
    }

    fn glob() -> impl Strategy<Value = String> {
        let component = prop_oneof![4 => "[ab]{1,2}", 2 => Just("*".to_owned()), 1 => "[ab]\\*"];
        let components = prop::collection::vec(component, 1..4);
        (components, prop::option::of(0..4_usize)).prop_map(|(mut components, depth)| {
            if let Some(place) = depth {
                components.insert(place.min(components.len()), "**".to_owned());
            }
            components.join("/")
        })
    }

    proptest! {
        #[test]
        fn agrees_with_trying_every_glob(
            rules in prop::collection::vec((glob(), prop::bool::weighted(0.7)), 0..12),
            name in "[ab]{1,2}(/[ab]{1,2}){0,4}",
        ) {
            let (globs, meant): (Vec<String>, Vec<bool>) = rules.into_iter().unzip();
            let borrowed: Vec<&str> = globs.iter().map(String::as_str).collect();
            let found = index(&borrowed).find(&name, |rule| meant[rule.index()]);
            prop_assert_eq!(found, find_naively(&globs, &name, &meant));
        }
    }
}
