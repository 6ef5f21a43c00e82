//! The reason why a text in a policy is refused, and a text that would be accepted.
//!
//! Each function is handed a text that was refused and goes on behind it, as in "`ghcr.io` has no
//! scheme; write `https://ghcr.io`". `None` is "nothing more is known than that it is none". What
//! is suggested is accepted: a test holds that.

pub(crate) mod glob;
pub(crate) mod header;
pub(crate) mod host;
pub(crate) mod name;
pub(crate) mod network;
pub(crate) mod place;
pub(crate) mod prefix;
pub(crate) mod shape;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod url;

#[cfg(test)]
mod tests;
