//! What is looked up, without a host: a simulator with a clock of its own, tables, and random
//! orders.

mod hedging;
mod pace;
mod properties;
mod simulator;
mod tables;
