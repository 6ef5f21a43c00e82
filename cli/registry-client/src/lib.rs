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

pub mod content;
pub mod fault;
pub mod http;
pub mod image;
pub mod image_name;
pub mod laps;
pub mod login;
pub mod manifest;
pub mod peer;
pub mod registry;
pub mod sign_in;
pub mod tls;
pub mod url;
