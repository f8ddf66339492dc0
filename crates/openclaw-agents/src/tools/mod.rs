//! The agent's own tools, one per file.

mod memory_get;
mod memory_search;

pub use memory_get::MemoryGetTool;
pub use memory_search::MemorySearchTool;
