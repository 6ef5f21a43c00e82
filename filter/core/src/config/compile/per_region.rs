//! Resolves a value per region: for regions that a field leaves out, and for drained regions.

use std::collections::BTreeMap;

use crate::config::compile::names::unknown;
use crate::config::mistake::{Mistakes, Path};
use crate::config::ordered::map;
use crate::config::regions::DEFAULT_REGION;
use crate::config::wire::PerRegion;

/// The regions of a policy.
///
/// Whatever has a value per region (chains, what clients fetch themselves, what becomes of
/// redirects) asks here, so that one region never takes its chain from one place and its redirects
/// from another.
pub(crate) struct RegionNames<'a> {
    ids: &'a BTreeMap<&'a str, u32>,
    drained: Vec<&'a str>,
}

impl<'a> RegionNames<'a> {
    /// `drained` are the regions whose clients are served as those of the default region.
    pub(crate) fn new(ids: &'a BTreeMap<&'a str, u32>, drained: Vec<&'a str>) -> Self {
        Self { ids, drained }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.ids.len()
    }

    /// Every name, in no order that means anything.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.ids.keys().copied()
    }

    /// Whether the policy has this region.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.ids.contains_key(name)
    }

    /// Whether the clients of any region are served as those of the default region.
    pub(crate) fn any_drained(&self) -> bool {
        !self.drained.is_empty()
    }

    /// Whether clients are served by what is written for this region.
    pub(crate) fn is_served(&self, name: &str) -> bool {
        self.has(name) && !self.drained.contains(&name)
    }

    /// Complains about a value that is written for a region that is not there.
    pub(crate) fn check(&self, name: &str, path: &Path<'_>, mistakes: &Mistakes) {
        // Without any region, or without the default one, that is the mistake, and it is told.
        if !self.has(name) && !self.ids.is_empty() && name != DEFAULT_REGION {
            mistakes.add(path, unknown("region", name, self.ids));
        }
    }

    /// The value for each region, in the order of their ids: its own, or that of the default region
    /// where it has none or is drained; `None` where that is not written either.
    pub(crate) fn resolve<'v, T>(&self, each: &'v [(String, T)]) -> Vec<Option<&'v T>> {
        let by_name = map(each.iter().map(|(region, value)| (region.as_str(), value)));
        let default = by_name.get(DEFAULT_REGION).copied();
        let mut in_order: Vec<(u32, &str)> =
            self.ids.iter().map(|(name, id)| (*id, *name)).collect();
        in_order.sort_unstable();
        let of = |(_, name): (u32, &str)| {
            by_name.get(name).copied().filter(|_| self.is_served(name)).or(default)
        };
        in_order.into_iter().map(of).collect()
    }

    /// The same of a value that may be one for all regions; what is not written is the type's own
    /// default.
    pub(crate) fn spread<T: Clone + Default>(
        &self,
        value: &PerRegion<T>,
        path: &Path<'_>,
        mistakes: &Mistakes,
    ) -> Vec<T> {
        let each = match value {
            PerRegion::All(one) => return vec![one.clone(); self.count()],
            PerRegion::Each(each) => each,
        };
        for (region, _) in each {
            self.check(region, &path.key(region), mistakes);
        }
        self.resolve(each).into_iter().map(|value| value.cloned().unwrap_or_default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(drained: Vec<&str>, value: &PerRegion<u8>) -> Result<Vec<u8>, Vec<String>> {
        let ids = BTreeMap::from([("cn", 0), ("default", 2), ("eu", 1)]);
        let mistakes = Mistakes::default();
        let regions = RegionNames::new(&ids, drained);
        let found = regions.spread(value, &Path::Root.key("x"), &mistakes);
        let told =
            |found: Vec<crate::config::Mistake>| found.iter().map(ToString::to_string).collect();
        mistakes.into_result(Some(found)).map_err(told)
    }

    #[test]
    fn each_region_has_its_own_value_or_that_of_the_default() {
        let each = |entries: &[(&str, u8)]| {
            let owned = entries.iter().map(|(region, value)| ((*region).to_owned(), *value));
            PerRegion::Each(owned.collect())
        };
        #[rustfmt::skip]
        let rows = [
            (vec![], PerRegion::All(7), [7, 7, 7], "one for all"),
            (vec!["cn"], PerRegion::All(7), [7, 7, 7], "one for all, and a drained region"),
            (vec![], each(&[("cn", 1), ("eu", 2), ("default", 3)]), [1, 2, 3], "everybody has one"),
            (vec![], each(&[("default", 3), ("cn", 1)]), [1, 3, 3], "who has none has the default's"),
            (vec!["cn"], each(&[("cn", 1), ("eu", 2), ("default", 3)]), [3, 2, 3], "a drained region is served as the default one"),
            (vec!["cn"], each(&[("cn", 1), ("eu", 2)]), [0, 2, 0], "which has nothing either"),
            (vec![], each(&[]), [0, 0, 0], "nothing is written"),
        ];
        for (drained, value, expected, reason) in rows {
            assert_eq!(spread(drained, &value), Ok(expected.to_vec()), "{reason}");
        }
    }

    #[test]
    fn a_region_that_is_not_there_is_told() {
        let value = PerRegion::Each(vec![("apac".to_owned(), 1)]);
        let expected = "x.apac: there is no region `apac`; the regions are `cn`, `default`, `eu`";
        assert_eq!(spread(vec![], &value), Err(vec![expected.to_owned()]));
    }
}
