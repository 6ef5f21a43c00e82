//! Countries, their subdivisions and continents: the codes that geo headers and policies use.
//!
//! Every parser takes bytes, because a header value is bytes, and answers `None` for whatever it
//! does not know. A code that means "I do not know" must look exactly like no code at all, so
//! that its client falls through to the default region instead of into somebody else's.

mod assigned;
mod continent;
mod country;
mod subdivision;

pub use continent::Continent;
pub use country::Country;
pub use subdivision::Subdivision;
