//! The class of a request, by which policy and metrics tell requests apart.

/// The class of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// "Are you a registry?"
    Ping,
    /// A manifest under a name that may move.
    ManifestByTag,
    /// A manifest under its content.
    ManifestByDigest,
    /// A blob.
    Blob,
    /// Any step of an upload, its start included.
    Upload,
    /// The list of a repository's tags.
    Tags,
    /// What refers to a manifest.
    Referrers,
    /// The list of all repositories.
    Catalog,
    /// Any other API whose name starts with `_`.
    Extension,
}

impl Class {
    /// The word for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::ManifestByTag => "manifest-by-tag",
            Self::ManifestByDigest => "manifest-by-digest",
            Self::Blob => "blob",
            Self::Upload => "upload",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
            Self::Catalog => "catalog",
            Self::Extension => "extension",
        }
    }
}
