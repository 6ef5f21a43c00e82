//! Which endpoint a path is, told by its last segments alone. See the parent module for the
//! rules and why they are these.

use super::endpoint::{Endpoint, Reference};
use super::error::RequestError;
use crate::grammar::{Digest, RepositoryName, Tag};

/// An endpoint whose parts have been cut out but not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    Ping,
    Manifest { name: &'a [u8], reference: &'a [u8] },
    Blob { name: &'a [u8], digest: &'a [u8] },
    Uploads { name: &'a [u8] },
    Upload { name: &'a [u8], session: &'a [u8] },
    Tags { name: &'a [u8] },
    Referrers { name: &'a [u8], digest: &'a [u8] },
    Catalog,
    Extension { name: Option<&'a [u8]>, path: &'a [u8] },
}

impl<'a> Shape<'a> {
    /// Takes a path apart that [`super::target`] has passed; `None` if it is of no endpoint.
    pub(super) fn of(path: &'a [u8]) -> Option<Self> {
        if matches!(path, b"/v2" | b"/v2/") {
            return Some(Self::Ping);
        }
        let rest = path.strip_prefix(b"/v2/")?;
        Self::closed(rest).or_else(|| Self::open(rest))
    }

    /// The forms whose last segments are fixed, or all but the very last one.
    fn closed(rest: &'a [u8]) -> Option<Self> {
        if rest == b"_catalog" {
            return Some(Self::Catalog);
        }
        if let Some(name) = rest.strip_suffix(b"/tags/list") {
            return Some(Self::Tags { name });
        }
        let without_slash = rest.strip_suffix(b"/").unwrap_or(rest);
        if let Some(name) = without_slash.strip_suffix(b"/blobs/uploads") {
            return Some(Self::Uploads { name });
        }
        let (before, last) = split_last_segment(rest)?;
        if last.is_empty() {
            None
        } else if let Some(name) = before.strip_suffix(b"/manifests") {
            Some(Self::Manifest { name, reference: last })
        } else if let Some(name) = before.strip_suffix(b"/blobs") {
            Some(Self::Blob { name, digest: last })
        } else if let Some(name) = before.strip_suffix(b"/referrers") {
            Some(Self::Referrers { name, digest: last })
        } else {
            let name = before.strip_suffix(b"/blobs/uploads")?;
            Some(Self::Upload { name, session: last })
        }
    }

    /// The forms that end in anything, if exactly one of them fits.
    fn open(rest: &'a [u8]) -> Option<Self> {
        if rest.ends_with(b"/") {
            return None;
        }
        let mut readings = open_uploads(rest).chain(extension(rest));
        readings.next().filter(|_| readings.next().is_none())
    }

    /// Reads the parts: the name first, then what it is asked for.
    pub(super) fn endpoint(self) -> Result<Endpoint<'a>, RequestError> {
        Ok(match self {
            Self::Ping => Endpoint::Ping,
            Self::Manifest { name, reference } => {
                Endpoint::Manifest { name: read_name(name)?, reference: read_reference(reference)? }
            }
            Self::Blob { name, digest } => {
                Endpoint::Blob { name: read_name(name)?, digest: read_digest(digest)? }
            }
            Self::Uploads { name } => Endpoint::Uploads { name: read_name(name)? },
            Self::Upload { name, session } => Endpoint::Upload { name: read_name(name)?, session },
            Self::Tags { name } => Endpoint::Tags { name: read_name(name)? },
            Self::Referrers { name, digest } => {
                Endpoint::Referrers { name: read_name(name)?, digest: read_digest(digest)? }
            }
            Self::Catalog => Endpoint::Catalog,
            Self::Extension { name, path } => {
                Endpoint::Extension { name: name.map(read_name).transpose()?, path }
            }
        })
    }
}

fn split_last_segment(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let (before, from_slash) = path.split_at_checked(slash)?;
    Some((before, from_slash.split_first()?.1))
}

/// Every reading as `<name>/blobs/uploads/<session>`.
fn open_uploads(rest: &[u8]) -> impl Iterator<Item = Shape<'_>> {
    const MIDDLE: &[u8] = b"/blobs/uploads/";
    let starts = rest.windows(MIDDLE.len()).enumerate().filter(|(_, window)| *window == MIDDLE);
    starts.filter_map(|(start, _)| {
        let (name, tail) = rest.split_at_checked(start)?;
        Some(Shape::Upload { name, session: tail.strip_prefix(MIDDLE)? })
    })
}

/// The reading as an extension: from the first segment that starts with an underscore.
///
/// Below a repository it has two segments at least (the spec's `extensions/` has three,
/// `_<extension>/<component>/<module>`). One alone would lean on the name: `/v2/a/_x`, with `a`
/// mapped to `b/manifests` at a backend, would ask that backend for the manifest `_x` of `b`.
///
/// A `_catalog` that is not the whole path is refused, lest a registry that matches only the
/// beginning list its repositories to a client who may use extensions but not the catalogue.
fn extension(rest: &[u8]) -> Option<Shape<'_>> {
    if rest.starts_with(b"_catalog/") {
        return None;
    }
    if rest.starts_with(b"_") {
        return Some(Shape::Extension { name: None, path: rest });
    }
    let slash = rest.windows(2).position(|pair| pair == b"/_")?;
    let (name, from_slash) = rest.split_at_checked(slash)?;
    let path = from_slash.strip_prefix(b"/")?;
    path.contains(&b'/').then_some(Shape::Extension { name: Some(name), path })
}

fn read_name(bytes: &[u8]) -> Result<RepositoryName<'_>, RequestError> {
    RepositoryName::parse(bytes).ok_or(RequestError::NameInvalid)
}

fn read_digest(bytes: &[u8]) -> Result<Digest<'_>, RequestError> {
    Digest::parse_in_path(bytes).ok_or(RequestError::DigestInvalid)
}

/// A colon, plain or escaped, makes a digest; no tag has one.
fn read_reference(bytes: &[u8]) -> Result<Reference<'_>, RequestError> {
    if bytes.iter().any(|byte| matches!(byte, b':' | b'%')) {
        read_digest(bytes).map(Reference::Digest)
    } else {
        Tag::parse(bytes).map(Reference::Tag).ok_or(RequestError::TagInvalid)
    }
}
