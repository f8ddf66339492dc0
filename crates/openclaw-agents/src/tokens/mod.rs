//! How many tokens a request has.
//!
//! Sizes are kept in bytes, which cost nothing to count. How many bytes make a token is learned: of
//! each model from the usage that its provider reports, and, where a conversation comes near half of
//! its window, of that conversation by counting with a vocabulary. The smaller of the two counts.

mod count;
mod ratios;
mod window;

pub(crate) use count::{Counter, Measured, Sample};
pub(crate) use ratios::Ratios;
pub(crate) use window::Window;
