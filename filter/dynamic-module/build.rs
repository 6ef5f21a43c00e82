//! The module stays loaded once it is: it has a thread, and Envoy closes a module with its last
//! filter.

fn main() {
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
