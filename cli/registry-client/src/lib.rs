//! A client of registries, for the commands that pull, compare, copy and measure.
//!
//! The client here pulls as a container runtime does: it signs in by what the registry's challenge
//! says, follows redirects without taking its credentials to another host, and believes no
//! content before its digest is right. Unlike a runtime it says where the time went.
//!
//! From the outside in: [`registry`] is one registry and an image in it, [`login`] has its
//! credentials, [`sign_in`] gets it the right to read, [`http`] sends requests over connections
//! ([`tls`], [`timings`]) of its own, and [`peer`] keeps the certificate of the server.

mod authorities;
pub mod content;
pub mod fault;
pub mod http;
pub mod image;
pub mod image_name;
pub mod login;
pub mod manifest;
pub mod peer;
pub mod registry;
pub mod sign_in;
pub mod timings;
pub mod tls;
pub mod url;
