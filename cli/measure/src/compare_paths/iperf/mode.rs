//! The measurements that are possible with iperf3, and what to do without it.

/// What to do where there is no iperf3.
pub(crate) const HOW_TO_INSTALL: &str = "iperf3 is not installed here, so the network alone is not measured: `apt-get install iperf3` \
     (Debian, Ubuntu), `dnf install iperf3` (Fedora), `apk add iperf3` (Alpine), `brew install iperf3` \
     (macOS); at the other end run `iperf3 --server`";

/// A way of measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One stream to the server.
    Single,
    /// Four streams to the server at once.
    Parallel,
    /// One stream from the server: the way that pulls go.
    Reverse,
}

impl Mode {
    /// In the order in which they are run.
    pub(crate) const ALL: [Self; 3] = [Self::Single, Self::Parallel, Self::Reverse];

    /// What it is called.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Single => "one stream to the server",
            Self::Parallel => "four streams to the server",
            Self::Reverse => "one stream from the server",
        }
    }
}
