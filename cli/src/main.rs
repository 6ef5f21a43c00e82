//! `portolan`: check, render and explain a policy, and build its geographic data.

fn main() {}
