//! The agent's own tools, one per file.
//!
//! What tools about sessions see is what those may see whose words the run works on: the owner, alone in
//! a direct chat or with a credential that may do everything, all sessions; anybody else the session they
//! are in.

mod agents_list;
mod cron;
mod memory_get;
mod memory_search;
mod session_status;
mod sessions_history;
mod sessions_list;
mod sessions_send;
mod sessions_spawn;
mod subagents;
mod visible;

use openclaw_tools::ToolRegistryBuilder;

use crate::desk::Desk;

pub use cron::CronTool;
pub use memory_get::MemoryGetTool;
pub use memory_search::MemorySearchTool;

/// Adds the tools that act on sessions and agents.
pub fn with_session_tools(tools: ToolRegistryBuilder, desk: &Desk) -> ToolRegistryBuilder {
    tools
        .with(sessions_list::SessionsListTool(desk.clone()))
        .with(sessions_history::SessionsHistoryTool(desk.clone()))
        .with(sessions_send::SessionsSendTool(desk.clone()))
        .with(session_status::SessionStatusTool(desk.clone()))
        .with(sessions_spawn::SessionsSpawnTool(desk.clone()))
        .with(subagents::SubagentsTool(desk.clone()))
        .with(agents_list::AgentsListTool(desk.clone()))
}
