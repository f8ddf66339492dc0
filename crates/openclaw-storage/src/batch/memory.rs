use openclaw_core::AgentId;

use crate::rows::{MemoryIndexing, MemorySource, MemoryVector};

/// A write to what agents can search. None of them has a precondition: it can all be made anew.
#[derive(Debug, Clone, PartialEq)]
pub enum MemoryWrite {
    /// Stores a part of a file in the place of what was there.
    Index(Box<MemoryIndexing>),
    /// Forgets a file, or all of a source, with its chunks.
    Forget {
        /// The agent.
        agent_id: AgentId,
        /// The source.
        source: MemorySource,
        /// The file; all where it is not given.
        path: Option<String>,
    },
    /// Stores vectors; of a text that has one already it is kept.
    StoreVectors {
        /// The agent.
        agent_id: AgentId,
        /// The model that made them, with all that its vectors depend on.
        model: String,
        /// The vectors; a batch should hold few.
        vectors: Vec<MemoryVector>,
    },
    /// Deletes the vectors of all models but one, and those whose text no chunk has any more.
    PruneVectors {
        /// The agent.
        agent_id: AgentId,
        /// The model whose vectors stay.
        keep: Option<String>,
    },
}
