//! The gateway as a server of the Model Context Protocol: over HTTP at `/mcp`, and over standard
//! streams for `openclaw mcp serve`.
//!
//! What is offered is put together in [`Offerings`]; [`McpServer`] speaks the protocol for it, the
//! same over both. What the gateway offers are its methods, by one port, [`Rpc`]: within the gateway
//! it is the dispatch of every other framing, with the caller's own scopes, limits and policy.

mod http;
mod methods;
mod offerings;
mod rpc;
mod server;
mod sessions;
mod stdio;

pub use http::{HostCheck, McpDoor, SessionKeeping};
pub use offerings::{Completion, Offerings, Prompts, Resources, Tools};
pub use rpc::{Rpc, RpcError};
pub use server::{Asked, McpServer};
pub use stdio::serve_stdio;

pub(crate) use rpc::Dispatched;

use std::sync::Arc;

/// What a gateway offers through this port.
pub fn gateway_offerings(rpc: Arc<dyn Rpc>, version: &str) -> Offerings {
    Offerings {
        name: "openclaw".to_owned(),
        version: version.to_owned(),
        instructions: Some(
            "Conversations of a personal assistant with its owner and others. messages_send speaks \
             in a chat as the assistant; agent_run asks the assistant itself. The other tools are \
             those that the assistant works with."
                .to_owned(),
        ),
        tools: Arc::new(methods::Methods::new(rpc.clone())),
        resources: Some(Arc::new(sessions::Sessions::new(rpc))),
        prompts: None,
        completion: None,
        sends_logs: false,
    }
}
