//! What clients need in order to pull through a front, as the files of their own configuration.
//!
//! A pure function of a front and of where clients reach it: `portolan clients` prints the files and
//! the front serves them, so both say the same. There is no secret in any.

mod address;
mod buildkit;
mod containerd;
mod docker;
mod k3s;
mod podman;
mod registries;
#[cfg(test)]
mod tests;

pub use address::Address;

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

/// How clients that could say `ns` name registries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// By `ns`, else by a host of the registry's own.
    #[default]
    Namespace,
    /// By the start of the path, where something between them and the front drops queries.
    Path,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFile {
    /// Its path below the client's directory: a name, or `REGISTRY/hosts.toml`.
    pub path: String,
    /// Its content, which ends with a newline.
    pub text: String,
}

/// All files of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// The files; none if the front has nothing for this client.
    pub files: Vec<ClientFile>,
    /// What is not in them, and why: a sentence each.
    pub left_out: Vec<String>,
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

/// A file of one, or none if nothing would be in it.
fn single(path: &str, text: Option<String>, left_out: Vec<String>) -> ClientFiles {
    let file = text.map(|text| ClientFile { path: path.to_owned(), text });
    ClientFiles { files: file.into_iter().collect(), left_out }
}

/// The first line of a file whose format has comments.
const COMMENT: &str =
    "# Made of the policy of a Portolan front. Change the policy, and make it again.\n";

/// A string of TOML or YAML. Both read JSON's: TOML 1.0 "String", YAML 1.2 section 7.3.1.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
