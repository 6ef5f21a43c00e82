//! Common parts of all commands of `portolan`: reading policies, printing results and mistakes,
//! replacing files.
//!
//! [`policy_file`] reads policies, with every mistake at its line and column. [`output`] prints,
//! and says how the process ends. Nothing here opens a connection.

pub mod colour;
pub mod date;
pub mod moment;
pub mod output;
pub mod parallel;
pub mod policy_file;
pub mod progress;
pub mod quantity;
pub mod replace;
pub mod table;
