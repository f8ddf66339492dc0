//! The keys that every channel has, at the top of its table and in `accounts.<name>`.
//!
//! A channel names its own keys by [`ServiceKeys`]; [`read_accounts`] reads both levels and gives
//! one entry per account. Run by [`openclaw_config::describe`] the same function gives the schema.

mod account;
mod fingerprint;
mod level;

pub use account::{AccountKeys, CommonSettings, ServiceKeys, read_accounts};
pub use fingerprint::Fingerprint;

#[cfg(test)]
mod tests;
