//! The policy, in two stages: the wire form that a person writes, and the compiled form that
//! cannot be wrong. The request path sees only the compiled form.

pub mod geography;
pub mod ids;
pub mod network_table;
pub mod regions;
