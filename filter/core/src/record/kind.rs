//! The kind of a request, as a label of metrics.

use crate::oci::Class;

/// What a request is, as far as metrics tell requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// "Are you a registry?"
    Ping,
    /// A manifest is read, under a tag or a digest.
    ReadManifest,
    /// A blob is read.
    ReadBlob,
    /// The list of a repository's tags.
    Tags,
    /// What refers to a manifest.
    Referrers,
    /// A manifest is pushed or deleted, or a blob is deleted.
    Write,
    /// Any step of an upload.
    Upload,
    /// A client asks for a token.
    Token,
    /// The list of all repositories.
    Catalog,
    /// Everything else, what is no request of the distribution spec included.
    Other,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Ping,
        Self::ReadManifest,
        Self::ReadBlob,
        Self::Tags,
        Self::Referrers,
        Self::Write,
        Self::Upload,
        Self::Token,
        Self::Catalog,
        Self::Other,
    ];

    /// The word for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::ReadManifest => "read_manifest",
            Self::ReadBlob => "read_blob",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
            Self::Write => "write",
            Self::Upload => "upload",
            Self::Token => "token",
            Self::Catalog => "catalog",
            Self::Other => "other",
        }
    }

    /// The kind of a request of the distribution spec.
    #[must_use]
    pub const fn of(class: Class, is_read: bool) -> Self {
        match (class, is_read) {
            (Class::Ping, _) => Self::Ping,
            (Class::ManifestByTag | Class::ManifestByDigest, true) => Self::ReadManifest,
            (Class::Blob, true) => Self::ReadBlob,
            (Class::ManifestByTag | Class::ManifestByDigest | Class::Blob, false) => Self::Write,
            (Class::Upload, _) => Self::Upload,
            (Class::Tags, _) => Self::Tags,
            (Class::Referrers, _) => Self::Referrers,
            (Class::Catalog, _) => Self::Catalog,
            (Class::Extension, _) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_classes() {
        #[rustfmt::skip]
        let rows = [
            (Class::Ping, true, "ping"),
            (Class::ManifestByTag, true, "read_manifest"),
            (Class::ManifestByDigest, true, "read_manifest"),
            (Class::ManifestByTag, false, "write"),
            (Class::ManifestByDigest, false, "write"),
            (Class::Blob, true, "read_blob"),
            (Class::Blob, false, "write"),
            (Class::Upload, true, "upload"),
            (Class::Upload, false, "upload"),
            (Class::Tags, true, "tags"),
            (Class::Referrers, true, "referrers"),
            (Class::Catalog, true, "catalog"),
            (Class::Extension, true, "other"),
        ];
        for (class, is_read, expected) in rows {
            assert_eq!(Kind::of(class, is_read).as_str(), expected, "{class:?} {is_read}");
        }
    }
}
