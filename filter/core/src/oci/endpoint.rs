//! The endpoints of the API.

use super::class::Class;
use super::method::Method;
use super::outside::is_outside;
use crate::grammar::{Digest, RepositoryName, Tag};

/// What a path is about. The end numbers are those of the OCI distribution spec 1.1,
/// "Endpoints".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint<'a> {
    /// `/v2/` and `/v2` (end-1).
    Ping,
    /// `/v2/<name>/manifests/<reference>` (end-3, end-7, end-9).
    Manifest {
        /// The repository.
        name: RepositoryName<'a>,
        /// Which manifest.
        reference: Reference<'a>,
    },
    /// `/v2/<name>/blobs/<digest>` (end-2, end-10).
    Blob {
        /// The repository.
        name: RepositoryName<'a>,
        /// Which blob.
        digest: Digest<'a>,
    },
    /// `/v2/<name>/blobs/uploads/` (end-4, end-11), with or without the last slash.
    Uploads {
        /// The repository.
        name: RepositoryName<'a>,
    },
    /// `/v2/<name>/blobs/uploads/<session>` (end-5, end-6, end-13), a path that the registry
    /// itself gave out in `Location`.
    Upload {
        /// The repository.
        name: RepositoryName<'a>,
        /// The registry's own id: one or more segments, still escaped as they came.
        session: &'a [u8],
    },
    /// `/v2/<name>/tags/list` (end-8).
    Tags {
        /// The repository.
        name: RepositoryName<'a>,
    },
    /// `/v2/<name>/referrers/<digest>` (end-12).
    Referrers {
        /// The repository.
        name: RepositoryName<'a>,
        /// What is referred to.
        digest: Digest<'a>,
    },
    /// `/v2/_catalog`, which the spec's extensions reserve.
    Catalog,
    /// `/v2/_<extension>…` and `/v2/<name>/_<extension>/…` (the spec's `extensions/`).
    Extension {
        /// The repository; `None` for an extension of the whole registry.
        name: Option<RepositoryName<'a>>,
        /// Everything from the underscore on, still escaped as it came.
        path: &'a [u8],
    },
}

/// How a manifest is named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference<'a> {
    /// By a tag, which may move.
    Tag(Tag<'a>),
    /// By its content.
    Digest(Digest<'a>),
}

impl Reference<'_> {
    /// The reference as text; a digest has a plain colon.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

impl<'a> Endpoint<'a> {
    /// The repository that the request is about; `None` if it is about the registry.
    #[must_use]
    pub const fn repository(&self) -> Option<&RepositoryName<'a>> {
        match self {
            Self::Ping | Self::Catalog => None,
            Self::Extension { name, .. } => name.as_ref(),
            Self::Manifest { name, .. }
            | Self::Blob { name, .. }
            | Self::Uploads { name }
            | Self::Upload { name, .. }
            | Self::Tags { name }
            | Self::Referrers { name, .. } => Some(name),
        }
    }

    /// The class of a request to this endpoint.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Ping => Class::Ping,
            Self::Manifest { reference: Reference::Tag(_), .. } => Class::ManifestByTag,
            Self::Manifest { reference: Reference::Digest(_), .. } => Class::ManifestByDigest,
            Self::Blob { .. } => Class::Blob,
            Self::Uploads { .. } | Self::Upload { .. } => Class::Upload,
            Self::Tags { .. } => Class::Tags,
            Self::Referrers { .. } => Class::Referrers,
            Self::Catalog => Class::Catalog,
            Self::Extension { .. } => Class::Extension,
        }
    }

    /// The methods of this endpoint. The spec leaves those of extensions open; the ones in use
    /// read, or search by POST. What an upload outside of the API takes is not laid down anywhere;
    /// to ask for one without its body is left out.
    #[must_use]
    pub fn methods(&self) -> &'static [Method] {
        use Method::{Delete, Get, Head, Patch, Post, Put};
        match self {
            Self::Manifest { .. } => &[Get, Head, Put, Delete],
            Self::Blob { .. } => &[Get, Head, Delete],
            Self::Uploads { .. } => &[Post],
            Self::Upload { session, .. } if is_outside(session) => &[Get, Post, Patch, Put, Delete],
            Self::Upload { .. } => &[Get, Head, Patch, Put, Delete],
            Self::Ping | Self::Tags { .. } | Self::Referrers { .. } | Self::Catalog => &[Get, Head],
            Self::Extension { .. } => &[Get, Head, Post],
        }
    }
}
