use async_trait::async_trait;
use openclaw_core::{AgentId, Session, SessionId};

use super::Read;
use crate::rows::{
    MemoryChunkRow, MemoryCounts, MemoryFileRow, MemorySource, MemoryVectorRow, MemoryWordCounts,
};

/// Reads of what agents can search. Each is about one agent: nothing of another is ever read.
#[async_trait]
pub trait MemoryReads: Send + Sync {
    /// The indexed files of a source, by path.
    async fn memory_files(&self, agent: &AgentId, source: MemorySource)
    -> Read<Vec<MemoryFileRow>>;

    /// The agent's sessions, ended ones too, of which more was said than is indexed, by id after
    /// this one; with how far each is indexed.
    async fn unindexed_sessions(
        &self,
        agent: &AgentId,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Read<Vec<(Session, u64)>>;

    /// The newest chunk of a file.
    async fn last_memory_chunk(
        &self,
        agent: &AgentId,
        source: MemorySource,
        path: &str,
    ) -> Read<Option<MemoryChunkRow>>;

    /// How many chunks there are, and how many hold each of these stems.
    async fn memory_word_counts(&self, agent: &AgentId, stems: &[String])
    -> Read<MemoryWordCounts>;

    /// Chunks that hold any of these stems, those with the most and rarest about first; in what
    /// order exactly is the engine's.
    async fn memory_matches(
        &self,
        agent: &AgentId,
        stems: &[String],
        limit: u32,
    ) -> Read<Vec<MemoryChunkRow>>;

    /// The chunks whose texts have one of these hashes, by source, path and place.
    async fn memory_chunks_of(
        &self,
        agent: &AgentId,
        hashes: &[String],
    ) -> Read<Vec<MemoryChunkRow>>;

    /// Texts that have no vector of this model, each with its hash, by hash after this one.
    async fn texts_without_vector(
        &self,
        agent: &AgentId,
        model: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Read<Vec<(String, String)>>;

    /// The vectors of a model after this position, in order.
    async fn memory_vectors_after(
        &self,
        agent: &AgentId,
        model: &str,
        after: i64,
        limit: u32,
    ) -> Read<Vec<MemoryVectorRow>>;

    /// What there is of the agent; vectors of this model.
    async fn memory_counts(&self, agent: &AgentId, model: &str) -> Read<MemoryCounts>;
}
