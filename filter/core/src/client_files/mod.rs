//! Configuration files that clients need in order to pull through a front.
//!
//! A pure function of a front and of where clients reach it: `portolan clients` prints the files
//! and the front serves them, so both say the same. There is no secret in any.

mod address;
mod buildkit;
mod containerd;
mod docker;
mod file;
mod k3s;
mod naming;
mod podman;
mod registries;
#[cfg(test)]
mod tests;

pub use address::Address;
pub use file::{ClientFile, ClientFiles};
pub use naming::Naming;

use crate::config::Front;
use registries::Registries;

/// A client, or several that read the same files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// containerd, nerdctl and any kubelet above it: a tree of `hosts.toml`, one for each registry.
    Containerd,
    /// k3s and RKE2: one `registries.yaml`, of which they make containerd's tree.
    K3s,
    /// Docker Engine: `daemon.json`.
    Docker,
    /// podman, buildah, skopeo and CRI-O: `registries.conf`.
    Podman,
    /// `BuildKit`: `buildkitd.toml`.
    Buildkit,
}

impl ClientKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Containerd, Self::K3s, Self::Docker, Self::Podman, Self::Buildkit];

    /// The media type of its files (RFC 8259, RFC 9512; TOML's is registered without an RFC).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Containerd | Self::Podman | Self::Buildkit => "application/toml",
            Self::K3s => "application/yaml",
            Self::Docker => "application/json",
        }
    }

    /// Where a front serves its files: the whole path, or for a tree the beginning of it.
    const fn path(self) -> &'static str {
        match self {
            Self::Containerd => "/containerd/",
            Self::K3s => "/registries.yaml",
            Self::Docker => "/daemon.json",
            Self::Podman => "/registries.conf",
            Self::Buildkit => "/buildkitd.toml",
        }
    }
}

/// The files with which a client pulls through `front`, that it reaches at `address`.
#[must_use]
pub fn client_files(
    kind: ClientKind,
    front: &Front,
    address: &Address<'_>,
    naming: Naming,
) -> ClientFiles {
    let registries = Registries::of(front);
    let mut made = match kind {
        ClientKind::Containerd => containerd::files(&registries, address, naming),
        ClientKind::K3s => k3s::files(&registries, address, naming),
        ClientKind::Docker => docker::files(&registries, address),
        ClientKind::Podman => podman::files(&registries, address),
        ClientKind::Buildkit => buildkit::files(&registries, address, naming),
    };
    made.left_out.extend(registries.unnamed());
    made
}

/// The file that a front serves at `path`, and whose it is; `None` where there is none.
#[must_use]
pub fn served_file(
    front: &Front,
    address: &Address<'_>,
    path: &[u8],
) -> Option<(ClientKind, ClientFile)> {
    let path = std::str::from_utf8(path).ok()?;
    ClientKind::ALL.into_iter().find_map(|kind| {
        let rest = path.strip_prefix(kind.path())?;
        let made = client_files(kind, front, address, Naming::default());
        let is_meant = |file: &ClientFile| match kind {
            ClientKind::Containerd => file.path == rest,
            _ => rest.is_empty(),
        };
        made.files.into_iter().find(is_meant).map(|file| (kind, file))
    })
}
