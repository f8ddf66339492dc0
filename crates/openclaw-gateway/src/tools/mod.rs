//! Tools that act on the gateway itself, and what tools of lower crates need of it.
//!
//! Tools are made before the gateway is put together; [`GatewayHandle`] gives them the gateway later.

mod conversation;
mod gateway;
mod handle;
mod message;
mod sessions;

pub use gateway::GatewayTool;
pub use handle::GatewayHandle;
pub use message::MessageTool;
pub(crate) use sessions::GatewaySessions;

use openclaw_tools::ToolRegistryBuilder;

/// Adds `message` and `gateway`.
pub fn with_gateway_tools(
    tools: ToolRegistryBuilder,
    handle: &GatewayHandle,
) -> ToolRegistryBuilder {
    tools.with(MessageTool::new(handle.clone())).with(GatewayTool::new(handle.clone()))
}
