//! Portolan as a proxy-wasm filter.
