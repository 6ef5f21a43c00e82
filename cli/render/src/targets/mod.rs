//! The forms in which Envoy gets a configuration, beside the one file.

pub(crate) mod cache_node;
pub(crate) mod envoy_gateway;
pub mod files;
mod found;
pub(crate) mod istio;
pub(crate) mod kubernetes;
#[cfg(test)]
mod tests;
