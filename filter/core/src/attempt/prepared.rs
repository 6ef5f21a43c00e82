//! What each backend of a list is sent, as one property of the stream.
//!
//! One line per backend: its name, whether it hides what it lacks, the request target, and the
//! credentials that are meant for it, which may be empty. None can hold a line feed and the first
//! three no space: names are checked by the policy, targets by the request parser, and no header
//! value has a line feed (RFC 9110 section 5.5).

/// What one backend is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared<'p> {
    /// The name of the backend.
    pub backend: &'p str,
    /// Whether its 401 and 403 to this request mean that it lacks the content.
    pub hides_missing: bool,
    /// The request target, with the backend's name of the repository.
    pub target: &'p [u8],
    /// The value of `Authorization`; without one the backend gets none.
    pub authorization: Option<&'p [u8]>,
}

const HIDES: &str = "hides";
const SHOWS: &str = "shows";

impl Prepared<'_> {
    /// The property for a whole list.
    #[must_use]
    pub fn print(all: &[Prepared<'_>]) -> Vec<u8> {
        let mut text = Vec::with_capacity(all.iter().map(Prepared::room).sum());
        for one in all {
            text.extend_from_slice(one.backend.as_bytes());
            text.push(b' ');
            text.extend_from_slice(if one.hides_missing { HIDES } else { SHOWS }.as_bytes());
            text.push(b' ');
            text.extend_from_slice(one.target);
            text.push(b' ');
            // A line feed cannot be in a header; were there one, the rest would be another line.
            let credentials = one.authorization.unwrap_or_default();
            if !credentials.contains(&b'\n') {
                text.extend_from_slice(credentials);
            }
            text.push(b'\n');
        }
        text
    }

    /// How many bytes its line takes, so that nothing is copied twice.
    fn room(&self) -> usize {
        const SEPARATORS: usize = 4;
        let parts = [
            self.backend.len(),
            HIDES.len(),
            self.target.len(),
            self.authorization.map_or(0, <[u8]>::len),
            SEPARATORS,
        ];
        parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }
}

/// The part of one backend. `None` means that the property was not prepared for it, and the
/// attempt must not be made: what another backend is sent may hold another backend's secrets.
#[must_use]
pub fn select<'p>(property: &'p [u8], backend: &[u8]) -> Option<Prepared<'p>> {
    property.split(|byte| *byte == b'\n').find_map(|line| {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let name = parts.next().filter(|name| *name == backend && !name.is_empty())?;
        let hides = parts.next()?;
        Some(Prepared {
            backend: std::str::from_utf8(name).ok()?,
            hides_missing: hides == HIDES.as_bytes(),
            target: parts.next()?,
            authorization: parts.next().map(Some)?.filter(|value| !value.is_empty()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_finds_its_own_part() {
        let all = [
            Prepared {
                backend: "ghcr",
                hides_missing: true,
                target: b"/v2/acme/a/x?y=%20",
                authorization: Some(b"Basic a b \xff"),
            },
            Prepared {
                backend: "gh",
                hides_missing: false,
                target: b"/v2/a/x",
                authorization: None,
            },
        ];
        let property = Prepared::print(&all);
        assert_eq!(select(&property, b"ghcr"), Some(all[0].clone()));
        assert_eq!(select(&property, b"gh"), Some(all[1].clone()));
        for other in [&b"quay"[..], b"", b"ghcr hides", b"g", b"\n", b"\xff"] {
            assert_eq!(select(&property, other), None, "{other:?}");
        }
    }

    #[test]
    fn a_property_that_is_cut_prepares_nobody() {
        for property in [&b""[..], b"gh", b"gh hides", b"gh hides /v2/", b"\n\n"] {
            assert_eq!(select(property, b"gh"), None, "{property:?}");
        }
    }
}
