//! The two records of a node of the search tree (<https://maxmind.github.io/MaxMind-DB/>, "Node
//! Layout").

/// A record: its node, and which of the two it is.
pub(super) type Record = (usize, bool);

/// The value of a record, of a node of so many bytes: of 24 bits; of 28, whose highest four stand
/// in the middle of the node; or of 32.
pub(super) fn read(database: &[u8], node_bytes: usize, (node, side): Record) -> Option<usize> {
    let at = node.checked_mul(node_bytes)?;
    let value = match (database.get(at..at.checked_add(node_bytes)?)?, side) {
        (&[a, b, c, _, _, _], false) | (&[_, _, _, a, b, c], true) => [0, a, b, c],
        (&[a, b, c, middle, _, _, _], false) => [middle >> 4, a, b, c],
        (&[_, _, _, middle, a, b, c], true) => [middle & 0x0f, a, b, c],
        (&[a, b, c, d, _, _, _, _], false) | (&[_, _, _, _, a, b, c, d], true) => [a, b, c, d],
        _ => return None,
    };
    usize::try_from(u32::from_be_bytes(value)).ok()
}

/// Writes a record; the other of the node stays.
pub(super) fn write(
    database: &mut [u8],
    node_bytes: usize,
    (node, side): Record,
    value: usize,
) -> Option<()> {
    let at = node.checked_mul(node_bytes)?;
    let [high, low @ ..] = u32::try_from(value).ok()?.to_be_bytes();
    let node = database.get_mut(at..at.checked_add(node_bytes)?)?;
    let half = if side { node_bytes.checked_sub(3)? } else { 0 };
    match (node_bytes, side) {
        (6, _) => {}
        (7, false) => shared(node, |byte| (byte & 0x0f) | (high << 4))?,
        (7, true) => shared(node, |byte| (byte & 0xf0) | (high & 0x0f))?,
        (8, _) => {
            let half = if side { 4 } else { 0 };
            *node.get_mut(half)? = high;
        }
        _ => return None,
    }
    let half = if node_bytes == 8 && !side { 1 } else { half };
    node.get_mut(half..half.checked_add(3)?)?.copy_from_slice(&low);
    Some(())
}

/// The byte in the middle of a node of seven, which has four bits of each record.
fn shared(node: &mut [u8], change: impl FnOnce(u8) -> u8) -> Option<()> {
    let byte = node.get_mut(3)?;
    *byte = change(*byte);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_every_size_are_read_and_written() {
        for (node_bytes, largest) in [(6, 0x00ff_ffff), (7, 0x0fff_ffff), (8, 0xffff_ffff)] {
            let mut tree = vec![0x5a; node_bytes * 3];
            let before = tree.clone();
            for side in [false, true] {
                for value in [0, 1, 0x0102_0304 & largest, largest] {
                    let other = read(&tree, node_bytes, (1, !side)).unwrap();
                    write(&mut tree, node_bytes, (1, side), value).unwrap();
                    assert_eq!(
                        read(&tree, node_bytes, (1, side)),
                        Some(value),
                        "{node_bytes} {side}"
                    );
                    assert_eq!(
                        read(&tree, node_bytes, (1, !side)),
                        Some(other),
                        "the other half stays"
                    );
                }
            }
            assert_eq!(tree[..node_bytes], before[..node_bytes]);
            assert_eq!(tree[node_bytes * 2..], before[node_bytes * 2..]);
            assert_eq!(read(&tree, node_bytes, (3, false)), None, "there is no such node");
        }
    }
}
