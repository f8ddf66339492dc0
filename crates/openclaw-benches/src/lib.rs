//! Measures the built `openclaw` from outside: CPU time, memory, latency of whole processes.
//!
//! The client and the model are lean and live in the measuring process, so that what is left on the
//! machine is the gateway's. CPU time and memory are the figures to trust; wall times on a shared
//! machine are noise.

pub mod figures;
pub mod gateway;
pub mod model;
pub mod process;
