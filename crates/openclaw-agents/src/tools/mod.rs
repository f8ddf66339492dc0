//! The agent's own tools, one per file.

mod memory_get;
mod memory_search;

pub use memory_get::MemoryGetTool;
pub use memory_search::MemorySearchTool;
//! Tools that act on what the agent itself is made of, one per file.

mod cron;

pub use cron::CronTool;
