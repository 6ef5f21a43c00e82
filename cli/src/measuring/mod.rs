//! What the commands that measure registries have in common.
//!
//! The client here pulls as a container runtime does: it signs in by what the registry's challenge
//! says, follows redirects without taking its credentials to another host, and believes no
//! content before its digest is right. Unlike a runtime it says where the time went.
//!
//! From the outside in: [`arguments`] is what both commands ask for, [`registry`] is one registry
//! and an image in it, [`sign_in`] gets it the right to read, [`http`] sends requests over
//! connections ([`tls`], [`laps`]) of its own. [`statistics`], [`turns`] and [`quantity`] are
//! pure.

pub(crate) mod arguments;
pub(crate) mod content;
pub(crate) mod fault;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod image_name;
pub(crate) mod laps;
pub(crate) mod login;
pub(crate) mod manifest;
pub(crate) mod peer;
pub(crate) mod progress;
pub(crate) mod quantity;
pub(crate) mod registry;
pub(crate) mod sign_in;
pub(crate) mod statistics;
pub(crate) mod table;
pub(crate) mod tls;
pub(crate) mod turns;
pub(crate) mod url;
