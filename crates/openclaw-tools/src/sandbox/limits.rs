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

impl Limits {
    /// Of each limit the smaller.
    #[must_use]
    pub fn within(self, other: &Self) -> Self {
        let Self { memory_bytes, processes, cpus, file_bytes } = self;
        Self {
            memory_bytes: memory_bytes.min(other.memory_bytes),
            processes: processes.min(other.processes),
            cpus: cpus.min(other.cpus),
            file_bytes: file_bytes.min(other.file_bytes),
        }
    }
}
