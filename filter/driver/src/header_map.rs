//! The form in which Envoy hands over a whole header map.
//!
//! A count, then the lengths of each name and value, then names and values, each followed by
//! a zero byte; all numbers are 32 bits, little-endian (proxy-wasm ABI 0.2.1, "serialized
//! map"). One read of the map costs about as much as one read of a single header, so a request
//! reads it once and picks what it needs without copying.

/// A header map as it came from Envoy.
#[derive(Clone, Default)]
pub struct HeaderMap(Vec<u8>);

impl HeaderMap {
    /// A map in this form. What is broken is read as far as it goes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Every name and value, in order. Values are bytes: nothing says that they are text.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let count = read_length(&self.0, 0).unwrap_or(0);
        let lengths = self.0.get(4..).unwrap_or(&[]);
        let size = count.saturating_mul(8);
        let (lengths, mut rest) = lengths.split_at_checked(size).unwrap_or((&[], &[]));
        lengths.chunks_exact(8).map_while(move |pair| {
            let name = take(&mut rest, read_length(pair, 0)?)?;
            let value = take(&mut rest, read_length(pair, 4)?)?;
            Some((name, value))
        })
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.first(":status")?).ok()?.parse().ok()
    }

    /// The first value of one header; the name in lower case, as Envoy keeps it.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
    }

    /// Every value of one header; the name in lower case, as Envoy keeps it.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        self.iter().filter(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value).collect()
    }
}

fn read_length(bytes: &[u8], offset: usize) -> Option<usize> {
    let number = bytes.get(offset..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

/// Takes `length` bytes and the zero byte behind them.
fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after.get(1..)?;
    Some(taken)
}

/// The same form for headers that are handed to Envoy.
#[must_use]
pub fn serialize<'v, N: AsRef<[u8]>>(
    headers: impl Iterator<Item = (N, &'v [u8])> + Clone,
) -> Vec<u8> {
    // Two lengths of four bytes, and two bytes of zero.
    const BESIDE: usize = 10;
    let (mut count, mut size) = (0_usize, 4_usize);
    for (name, value) in headers.clone() {
        count = count.saturating_add(1);
        size = [name.as_ref().len(), value.len(), BESIDE]
            .into_iter()
            .fold(size, usize::saturating_add);
    }
    let mut bytes = Vec::with_capacity(size);
    let mut push_length = |length: usize| {
        bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    };
    push_length(count);
    for (name, value) in headers.clone() {
        push_length(name.as_ref().len());
        push_length(value.len());
    }
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_ref());
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let headers: [(&str, &[u8]); 4] =
            [(":path", b"/v2/"), ("accept", b"a"), ("accept", b"\xff\xfe\0"), ("empty", b"")];
        let map = HeaderMap::new(serialize(headers.into_iter()));
        let read: Vec<(&[u8], &[u8])> = map.iter().collect();
        let expected: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (name.as_bytes(), *value)).collect();
        assert_eq!(read, expected);
        assert_eq!(map.values("accept"), [&b"a"[..], b"\xff\xfe\0"]);
        assert_eq!((map.first("accept"), map.first("missing")), (Some(&b"a"[..]), None));
        assert!(map.values("missing").is_empty());
        assert_eq!(map.status(), None, "it is a request");
        let response =
            |status: &[u8]| HeaderMap::new(serialize([(":status", status)].into_iter())).status();
        assert_eq!((response(b"204"), response(b"ok"), response(b"\xff")), (Some(204), None, None));
    }

    #[test]
    fn a_broken_map_is_read_as_far_as_it_goes() {
        let whole = serialize([("a", &b"1"[..]), ("b", b"2")].into_iter());
        for length in 0..whole.len() {
            let map = HeaderMap::new(whole.get(..length).unwrap_or_default().to_vec());
            assert!(map.iter().count() <= 1, "{length} bytes");
        }
        assert_eq!(HeaderMap::new(vec![0xff; 64]).iter().count(), 0);
    }
}
