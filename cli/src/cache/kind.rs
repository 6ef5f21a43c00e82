//! The two kinds of content that nodes keep apart.

/// What content is asked for as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A blob.
    Blob,
    /// A manifest.
    Manifest,
}

impl Kind {
    /// Both of them.
    pub(super) const ALL: [Self; 2] = [Self::Blob, Self::Manifest];

    /// The word in the output.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Manifest => "manifest",
        }
    }

    /// The word in paths.
    pub(super) const fn in_paths(self) -> &'static str {
        match self {
            Self::Blob => "blobs",
            Self::Manifest => "manifests",
        }
    }
}
