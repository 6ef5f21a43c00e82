//! Arguments of `portolan clients`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use portolan_core::client_files::{ClientKind, Naming};
use portolan_core::config::Scheme;

/// What stands at the end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan clients portolan.yaml --for containerd --output /etc/containerd/certs.d
  portolan clients portolan.yaml --for k3s --output /etc/rancher/k3s/registries.yaml
  portolan clients portolan.yaml --for docker --front mirror --scheme http

Exit status:
  0  the files are printed or written; notes say what is not in them
  1  the policy is refused, or has nothing for this client; the standard error says why
  2  the command was wrong, or a file cannot be read or written";

/// Make what clients need in order to pull through a front.
#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {
    /// The policy, a YAML or JSON file.
    #[arg(env = "PORTOLAN_POLICY")]
    pub(super) policy: PathBuf,
    /// The client.
    #[arg(long = "for", value_name = "CLIENT")]
    pub(super) client: Client,
    /// The front, if the policy has several.
    #[arg(long, value_name = "NAME")]
    pub(super) front: Option<String>,
    /// How clients reach the front.
    #[arg(long, value_name = "SCHEME", default_value = "https")]
    pub(super) scheme: Reach,
    /// Name registries by the start of the path, not by `ns`: for containerd, k3s and `BuildKit`
    /// where something between them and the front drops queries.
    #[arg(long)]
    by_path: bool,
    /// Write to this file, or for containerd below this directory, each file in one step. What an
    /// earlier policy had written stays.
    #[arg(long, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
}

impl ClientsArgs {
    /// How clients that could say `ns` are to name registries.
    pub(super) fn naming(&self) -> Naming {
        if self.by_path { Naming::Path } else { Naming::Namespace }
    }
}

/// The clients by their usual names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// A tree of `REGISTRY/hosts.toml`.
    Containerd,
    /// `registries.yaml`, for RKE2 as well.
    K3s,
    /// `daemon.json`.
    Docker,
    /// `registries.conf`, for buildah and skopeo as well.
    Podman,
    /// `registries.conf`.
    CriO,
    /// `buildkitd.toml`.
    Buildkit,
}

impl Client {
    /// Whether it has more than one file.
    pub(super) fn has_tree(self) -> bool {
        self == Self::Containerd
    }
}

impl From<Client> for ClientKind {
    fn from(client: Client) -> Self {
        match client {
            Client::Containerd => Self::Containerd,
            Client::K3s => Self::K3s,
            Client::Docker => Self::Docker,
            Client::Podman | Client::CriO => Self::Podman,
            Client::Buildkit => Self::Buildkit,
        }
    }
}

/// A scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Reach {
    /// With TLS.
    Https,
    /// Without; for loopback and networks that are trusted.
    Http,
}

impl From<Reach> for Scheme {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Https => Self::Https,
            Reach::Http => Self::Http,
        }
    }
}
