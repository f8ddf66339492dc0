//! Servers of the Model Context Protocol, whose tools agents may call.
//!
//! [`McpServers`] is a [`openclaw_tools::ToolSource`]: it offers the tools of the servers in the
//! configuration as `mcp__<server>__<tool>`. A server is started when one of its tools is called
//! first; what tools it has is known from the last time, so that prompts stay the same. Programs run
//! in the processes that hold commands, so that nothing of them is left when the gateway ends,
//! however it ends. What servers say of themselves is a stranger's words: bounded, cleaned, and
//! never trusted.
//!
//! Nothing is tried again by itself: each call after a server's pause tries once, and a call that
//! was sent is not sent again.

mod connection;
mod credentials;
mod endpoint;
mod error;
mod foreign;
mod handler;
mod http_client;
mod listing;
mod outcome;
mod probe;
mod program;
mod schema;
mod server;
mod servers;
mod session;
mod sign_in;
mod stored;

pub use credentials::CredentialFile;
pub use error::McpError;
pub use probe::{Probe, probe};
pub use program::Programs;
pub use servers::{McpDeps, McpServers};
pub use session::McpSession;
pub use sign_in::{Browser, sign_in};
