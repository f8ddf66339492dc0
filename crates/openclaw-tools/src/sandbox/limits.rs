use serde::{Deserialize, Serialize};

/// What all processes of one command may take together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// Processors.
    pub cpus: u32,
    /// The largest file it may write.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 2 * 1024 * 1024 * 1024,
            processes: 256,
            cpus: 1,
            file_bytes: 4 * 1024 * 1024 * 1024,
        }
    }
}
