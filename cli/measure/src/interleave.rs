//! The order in which compared sides are measured: in turns.

/// Who is measured when, in one round of `count`: those of even rounds from the first to the last,
/// those of odd rounds the other way round.
///
/// Drift (a cache that fills, a link that others begin to use) meets all alike, and nobody has
/// always the place behind the same neighbour, whose buffers are still warm.
pub(crate) fn interleave(round: u32, count: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..count).collect() } else { (0..count).rev().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_alternate() {
        let rows: [(u32, usize, &[usize]); 5] =
            [(0, 2, &[0, 1]), (1, 2, &[1, 0]), (2, 2, &[0, 1]), (1, 3, &[2, 1, 0]), (0, 0, &[])];
        for (round, count, wanted) in rows {
            assert_eq!(interleave(round, count), wanted, "{round} {count}");
        }
    }
}
