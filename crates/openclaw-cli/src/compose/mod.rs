//! The composition root: which channels, store and runner a gateway of this program is made of.

mod channels;
mod commands;
mod config_source;
mod in_process;
mod mcp;
mod parts;
mod storage;
mod token;
mod with_credentials;

pub(crate) use channels::Channels;
pub(crate) use commands::engines;
pub(crate) use config_source::FileConfigSource;
pub(crate) use in_process::InProcess;
pub(crate) use mcp::programs;
pub(crate) use parts::{Composed, compose};
pub(crate) use storage::open_storage;
pub(crate) use token::gateway_token;
pub(crate) use with_credentials::with_credentials;
