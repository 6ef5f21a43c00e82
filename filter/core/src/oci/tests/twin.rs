//! A second, slow reading of requests: every way to read a path is listed, then judged.

use super::super::{Endpoint, Reference};
use crate::grammar::{Digest, RepositoryName, Tag, twin};

/// What the path of a target of acceptable form is, or `None` if it is refused.
pub(super) fn read(path: &str) -> Option<Endpoint<'_>> {
    if !has_good_form(path) {
        return None;
    }
    if path == "/v2" || path == "/v2/" {
        return Some(Endpoint::Ping);
    }
    let rest = path.strip_prefix("/v2/")?;
    if rest == "_catalog" {
        return Some(Endpoint::Catalog);
    }
    let segments: Vec<&str> = rest.split('/').collect();
    let of_the_spec = spec_readings(&segments, rest);
    assert!(of_the_spec.len() <= 1, "the spec has two readings of {path}: {of_the_spec:?}");
    if let [reading] = of_the_spec.as_slice() {
        return Some(reading.clone());
    }
    if ends_like_the_spec(&segments) || segments.last() == Some(&"") || segments[0] == "_catalog" {
        return None;
    }
    match open_cuts(&segments).as_slice() {
        [(count, is_upload)] => open_reading(&segments, *count, *is_upload, rest),
        _ => None,
    }
}

fn has_good_form(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    let inner = segments.get(1..segments.len() - 1).unwrap_or_default();
    let mut unescaped = path.to_owned();
    for byte in "!\"$&'()*+,:<=>@[]^`{|}".bytes() {
        for escape in [format!("%{byte:02x}"), format!("%{byte:02X}")] {
            unescaped = unescaped.replace(&escape, "~");
        }
    }
    let plain = |character: char| {
        character.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@/".contains(character)
    };
    path.len() <= 8192
        && path.starts_with('/')
        && inner.iter().all(|segment| !segment.is_empty())
        && segments.iter().all(|segment| *segment != "." && *segment != "..")
        && unescaped.chars().all(plain)
}

/// Every reading that the spec's own table of endpoints gives, for every length of the name.
fn spec_readings<'a>(segments: &[&'a str], rest: &'a str) -> Vec<Endpoint<'a>> {
    let cuts = 1..segments.len();
    cuts.filter_map(|count| spec_reading(segments, count, rest)).collect()
}

fn spec_reading<'a>(segments: &[&'a str], count: usize, rest: &'a str) -> Option<Endpoint<'a>> {
    let name = name_of(segments, count, rest)?;
    let digest_of = |text: &'a str| {
        twin::is_digest_in_path(text.as_bytes()).then(|| Digest::parse_in_path(text.as_bytes()))?
    };
    match segments[count..] {
        ["tags", "list"] => Some(Endpoint::Tags { name }),
        ["blobs", "uploads"] | ["blobs", "uploads", ""] => Some(Endpoint::Uploads { name }),
        ["blobs", "uploads", session] => {
            Some(Endpoint::Upload { name, session: session.as_bytes() })
        }
        ["blobs", digest] => Some(Endpoint::Blob { name, digest: digest_of(digest)? }),
        ["referrers", digest] => Some(Endpoint::Referrers { name, digest: digest_of(digest)? }),
        ["manifests", text] if twin::is_tag(text.as_bytes()) => {
            let reference = Reference::Tag(Tag::parse(text.as_bytes())?);
            Some(Endpoint::Manifest { name, reference })
        }
        ["manifests", text] => {
            Some(Endpoint::Manifest { name, reference: Reference::Digest(digest_of(text)?) })
        }
        _ => None,
    }
}

fn name_of<'a>(segments: &[&str], count: usize, rest: &'a str) -> Option<RepositoryName<'a>> {
    let text = &rest[..segments[..count].join("/").len()];
    twin::is_name(text.as_bytes()).then(|| RepositoryName::parse(text.as_bytes()))?
}

/// Whether the last segments are those of an endpoint of the spec, valid or not.
fn ends_like_the_spec(segments: &[&str]) -> bool {
    matches!(
        segments,
        [_, .., "tags", "list"]
            | [_, .., "manifests" | "blobs" | "referrers", _]
            | [_, .., "blobs", "uploads", _]
    )
}

/// Where the name may end in an open form, and whether it is an upload.
fn open_cuts(segments: &[&str]) -> Vec<(usize, bool)> {
    let is_upload =
        |count: &usize| *count >= 1 && matches!(segments[*count..], ["blobs", "uploads", _, _, ..]);
    let uploads = (0..segments.len()).filter(is_upload).map(|count| (count, true));
    let underscore = segments.iter().position(|segment| segment.starts_with('_'));
    let extension = underscore.filter(|count| *count == 0 || *count + 1 < segments.len());
    uploads.chain(extension.map(|count| (count, false))).collect()
}

fn open_reading<'a>(
    segments: &[&str],
    count: usize,
    is_upload: bool,
    rest: &'a str,
) -> Option<Endpoint<'a>> {
    let skipped = if is_upload { count + 2 } else { count };
    let length: usize = segments[..skipped].iter().map(|segment| segment.len() + 1).sum();
    let opaque = &rest.as_bytes()[length..];
    let name = name_of(segments, count, rest);
    match (is_upload, count) {
        (true, _) => Some(Endpoint::Upload { name: name?, session: opaque }),
        (false, 0) => Some(Endpoint::Extension { name: None, path: opaque }),
        (false, _) => Some(Endpoint::Extension { name: Some(name?), path: opaque }),
    }
}
