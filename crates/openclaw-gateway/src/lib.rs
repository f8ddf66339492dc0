//! The gateway: the way in, the way out, and everything clients talk to.
//!
//! `ingress` takes events, `delivery` sends, `channels` supervises, `hub` tells clients, `server` and
//! `rpc` are the wire, `typescript` that of older clients, `http` is what else is spoken over it, `mcp` is the gateway as an MCP server, `observe` is what the gateway tells of
//! itself, `lifecycle` begins and ends it all. There is no concrete channel here, no SQL
//! and no model: those come in through the ports of the crates below, put together by `openclaw-cli`.

pub mod approvals;
pub mod auth;
pub mod channels;
pub mod commands;
pub mod delivery;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http;
pub mod hub;
pub mod ingress;
pub mod lifecycle;
pub mod mcp;
pub mod observe;
pub mod rpc;
mod schedule;
pub mod server;
mod server_info;
mod state;
pub mod tools;
pub mod typescript;

pub use server_info::ServerInfo;
pub use state::{GatewayState, Identity};
