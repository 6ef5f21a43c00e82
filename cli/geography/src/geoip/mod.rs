//! Where an address is: builds and reads the database of Envoy's geoip filter.
//!
//! Envoy looks a client's address up in a `MaxMind` DB file and reads two fixed paths of the
//! record: `country.iso_code` and `subdivisions[0].iso_code`. The public country databases
//! are CSV files or MMDB files with a flat `country_code`, in which Envoy finds nothing and
//! says nothing. `portolan geoip build` makes the one from the other.
//!
//! The walk of a build: [`source`] reads every input into claims ("these addresses are
//! there"), [`merge`] decides between claims that overlap, [`encode`] writes the search tree,
//! [`replace`] puts the file in place in one step.

mod alias;
mod answers;
mod audit;
pub mod build;
mod command;
mod compare;
mod encode;
pub mod error;
pub mod examine;
pub mod install;
mod known;
mod location;
pub mod lookup;
mod merge;
mod node;
mod public_space;
mod source;
mod span;
mod summary;
mod tree;
pub mod verdict;

pub use command::GeoipCommand;
