//! Where addresses are.
//!
//! [`geoip`] builds, examines and reads the database of Envoy's geoip filter; [`networks`] makes
//! networks for a policy of what clouds and registries of addresses publish. Nothing here opens a
//! connection.

pub mod geoip;
pub mod networks;
pub mod special_addresses;
