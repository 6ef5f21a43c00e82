//! In which order a chain should have its backends.

/// How much sooner a backend must answer to be called nearer: seconds, and a share of the other's
/// time. What is below is noise, and an order that changes with it would be no order.
const CLEARLY: (f64, f64) = (0.002, 0.1);

/// The order that was measured: nobody stands behind one who takes clearly longer. What is not
/// clear stays as it is, so that a chain is changed no more than it must be.
pub(super) fn measured<T: Clone>(chain: &[(T, f64)]) -> Vec<T> {
    let mut order = chain.to_vec();
    // Each exchange takes a slower one behind a faster one, so that this ends.
    while let Some(place) = order.windows(2).position(is_wrong) {
        order.swap(place, place.saturating_add(1));
    }
    order.into_iter().map(|(item, _)| item).collect()
}

fn is_wrong<T>(pair: &[(T, f64)]) -> bool {
    matches!(pair, [(_, first), (_, second)] if is_clearly_less(*second, *first))
}

fn is_clearly_less(one: f64, other: f64) -> bool {
    let (seconds, share) = CLEARLY;
    other - one > seconds.max(other * share)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A chain with times in seconds, the order that it should have, and why.
    type Row = (&'static [(&'static str, f64)], &'static str, &'static str);

    #[test]
    fn orders() {
        #[rustfmt::skip]
        let rows: [Row; 7] = [
            (&[("a", 0.010), ("b", 0.100)], "a b", "as it should be"),
            (&[("a", 0.100), ("b", 0.010)], "b a", "the far one first"),
            (&[("a", 0.100), ("b", 0.095)], "a b", "five in a hundred are noise"),
            (&[("a", 0.0020), ("b", 0.0003)], "a b", "and so are two milliseconds"),
            (&[("a", 0.300), ("b", 0.200), ("c", 0.100)], "c b a", "three, the wrong way round"),
            (&[("a", 0.100), ("b", 0.300), ("c", 0.200)], "a c b", "the first is right"),
            (&[], "", "nobody"),
        ];
        for (chain, wanted, reason) in rows {
            assert_eq!(measured(chain).join(" "), wanted, "{reason}");
        }
    }

    proptest! {
        #[test]
        fn all_are_there_and_none_stands_behind_a_clearly_slower_neighbour(
            times in prop::collection::vec(0.0..1.0_f64, 0..8),
        ) {
            let chain: Vec<(usize, f64)> = times.iter().copied().enumerate().collect();
            let found = measured(&chain);
            let mut sorted = found.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..times.len()).collect::<Vec<_>>());
            let of = |place: usize| times.get(place).copied().unwrap_or_default();
            for pair in found.windows(2) {
                if let [first, second] = pair {
                    prop_assert!(!is_clearly_less(of(*second), of(*first)));
                }
            }
        }

        #[test]
        fn what_is_measured_stays(times in prop::collection::vec(0.0..1.0_f64, 0..8)) {
            let chain: Vec<(usize, f64)> = times.iter().copied().enumerate().collect();
            let once: Vec<(usize, f64)> =
                measured(&chain).into_iter().filter_map(|place| chain.get(place).copied()).collect();
            let twice = measured(&once);
            prop_assert_eq!(twice, once.into_iter().map(|(place, _)| place).collect::<Vec<_>>());
        }
    }
}
