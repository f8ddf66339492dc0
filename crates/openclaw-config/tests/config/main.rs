//! The configuration through its public interface, on real files in a folder of its own.

mod errors;
mod support;
