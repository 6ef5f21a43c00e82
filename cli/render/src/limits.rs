//! The limits of Envoy as a whole, each an option with a default.

use clap::Args;
use serde::{Deserialize, Serialize};

/// What one Envoy takes from its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    /// How many clients may be connected at once; who comes beyond that is turned away. Envoy needs
    /// a file descriptor for each (`ulimit -n`), and others for the registries.
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::USUAL.max_connections, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_connections: u32,
    /// How much memory Envoy may allocate, in MiB. As it fills, Envoy does less: docs/operating.md.
    #[arg(long, value_name = "MIB", default_value_t = Limits::USUAL.max_heap, value_parser = clap::value_parser!(u32).range(128..))]
    pub(super) max_heap: u32,
    /// How much the header of a request may be, in KiB. Tokens of some registries are tens of KiB.
    #[arg(long, value_name = "KIB", default_value_t = Limits::USUAL.max_header, value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub(super) max_header: u32,
    /// How many header fields a request may have.
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::USUAL.max_header_fields, value_parser = clap::value_parser!(u32).range(20..))]
    pub(super) max_header_fields: u32,
    /// How long the header of a request may take to arrive, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::USUAL.header_timeout, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) header_timeout: u32,
    /// How long a connection may say nothing at first, and how long its TLS handshake may take, in
    /// seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::USUAL.handshake_timeout, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) handshake_timeout: u32,
    /// How long a connection is used for, in seconds. It ends when its requests have.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::USUAL.max_connection_age, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_connection_age: u32,
    /// How many requests one connection may have under way, with HTTP/2.
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::USUAL.max_streams, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_streams: u32,
}

impl Limits {
    /// What holds unless told.
    pub(super) const USUAL: Self = Self {
        max_connections: 10_000,
        max_heap: 1024,
        max_header: 60,
        max_header_fields: 100,
        header_timeout: 10,
        handshake_timeout: 15,
        max_connection_age: 3600,
        max_streams: 100,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}

/// A number of seconds as Envoy writes it.
pub(super) fn seconds(number: u32) -> String {
    format!("{number}s")
}
