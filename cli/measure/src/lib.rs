//! Measurements and comparisons of registries, fronts and networks.
//!
//! [`bench`] compares a front with the registry behind it, [`compare_paths`] the network paths to
//! both, and [`nearest`] the backends of a policy. What they ask goes through
//! `portolan-registry-client`; [`statistics`] and [`turns`] are pure.

mod arguments;
pub mod bench;
pub mod compare_paths;
mod interleave;
pub mod nearest;
mod statistics;
