//! `--target files`: a small fixed bootstrap, and a directory of files that Envoy reads again when
//! they are replaced.
//!
//! Clusters come by CDS, the listener by LDS, its routes by RDS, each of its HTTP filters by ECDS,
//! secrets by SDS. The listener is made so that hardly any policy changes it: a listener that
//! changes closes the connections that clients have, and cuts what still streams on them. [`split`]
//! takes the parts out of a whole configuration, [`slots`] has the filters that a listener keeps
//! places for, [`union`] makes of two policies what serves both, [`directory`] knows the files.

mod directory;
pub(crate) mod directory_error;
pub(crate) mod file_names;
mod file_set;
mod named;
mod resources;
mod slots;
mod split;
mod union;

#[cfg(test)]
mod tests;

pub(crate) use super::super::filter::DECIDES;
pub use directory::{Directory, State, Version};
pub use directory_error::DirectoryError;
pub use file_set::FileSet;
pub use named::name_of;
pub use resources::{Kind, Resources};
pub use slots::does_nothing;
pub(crate) use split::{MANAGER, Parts, split};
pub use union::union;
