//! What agents can search.

use async_trait::async_trait;
use openclaw_core::{AgentId, Session, SessionId};

use super::Pace::{Quick, Slow};
use super::{Read, SqlReads};
use crate::MemoryReads;
use crate::rows::{
    MemoryChunkRow, MemoryCounts, MemoryFileRow, MemorySource, MemoryVectorRow, MemoryWordCounts,
};
use crate::sql::argument::arguments;
use crate::sql::{decode, memory as common};

/// What engines differ in.
#[derive(Debug)]
pub(crate) struct MemorySql {
    /// Chunks with any of the words of an agent, at most so many.
    pub(crate) matches: &'static str,
    /// How many chunks with any of the words an agent has.
    pub(crate) count_holding: &'static str,
    /// An agent's chunks with any of the hashes.
    pub(crate) of_hashes: &'static str,
    /// Any of these words, as the index of words is asked.
    pub(crate) any_of: fn(&[String]) -> String,
    /// A list of hashes, as `of_hashes` takes it.
    pub(crate) list_of: fn(&[String]) -> String,
}

#[cfg(test)]
impl MemorySql {
    pub(crate) fn all(&self) -> Vec<&'static str> {
        [common::READS, &[self.matches, self.count_holding, self.of_hashes]].concat()
    }
}

#[async_trait]
impl<E: SqlReads> MemoryReads for E {
    async fn memory_files(
        &self,
        agent: &AgentId,
        source: MemorySource,
    ) -> Read<Vec<MemoryFileRow>> {
        let values = arguments![agent, source];
        self.rows(Quick, common::FILES, values.into(), decode::memory_file).await
    }

    async fn unindexed_sessions(
        &self,
        agent: &AgentId,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Read<Vec<(Session, u64)>> {
        let values = arguments![agent, after.map_or("", SessionId::as_str), limit];
        let sql = common::UNINDEXED_SESSIONS;
        self.rows(Slow, sql, values.into(), decode::session_and_indexed).await
    }

    async fn last_memory_chunk(
        &self,
        agent: &AgentId,
        source: MemorySource,
        path: &str,
    ) -> Read<Option<MemoryChunkRow>> {
        let values = arguments![agent, source, path];
        self.row(common::LAST_CHUNK, values.into(), decode::memory_chunk).await
    }

    async fn memory_word_counts(
        &self,
        agent: &AgentId,
        stems: &[String],
    ) -> Read<MemoryWordCounts> {
        let counted =
            self.rows(Slow, common::COUNT_CHUNKS, arguments![agent].into(), decode::count);
        let chunks = counted.await?.into_iter().next().unwrap_or_default();
        let mut holding = Vec::with_capacity(stems.len());
        for stem in stems {
            let wanted = (E::SQL.memory.any_of)(std::slice::from_ref(stem));
            let values = arguments![wanted, agent];
            let counted =
                self.rows(Slow, E::SQL.memory.count_holding, values.into(), decode::count);
            holding.push(counted.await?.into_iter().next().unwrap_or_default());
        }
        Ok(MemoryWordCounts { chunks, holding })
    }

    async fn memory_matches(
        &self,
        agent: &AgentId,
        stems: &[String],
        limit: u32,
    ) -> Read<Vec<MemoryChunkRow>> {
        if stems.is_empty() {
            return Ok(Vec::new());
        }
        let values = arguments![(E::SQL.memory.any_of)(stems), agent, limit];
        self.rows(Slow, E::SQL.memory.matches, values.into(), decode::memory_chunk).await
    }

    async fn memory_chunks_of(
        &self,
        agent: &AgentId,
        hashes: &[String],
    ) -> Read<Vec<MemoryChunkRow>> {
        let values = arguments![agent, (E::SQL.memory.list_of)(hashes)];
        let rows = self.rows(Quick, E::SQL.memory.of_hashes, values.into(), decode::memory_chunk);
        let mut rows = rows.await?;
        MemoryChunkRow::sort(&mut rows);
        Ok(rows)
    }

    async fn texts_without_vector(
        &self,
        agent: &AgentId,
        model: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Read<Vec<(String, String)>> {
        let values = arguments![agent, model, after.unwrap_or_default(), limit];
        self.rows(Slow, common::WITHOUT_VECTOR, values.into(), decode::key_and_value).await
    }

    async fn memory_vectors_after(
        &self,
        agent: &AgentId,
        model: &str,
        after: i64,
        limit: u32,
    ) -> Read<Vec<MemoryVectorRow>> {
        let values = arguments![agent, model, after, limit];
        self.rows(Slow, common::VECTORS_AFTER, values.into(), decode::memory_vector).await
    }

    async fn memory_counts(&self, agent: &AgentId, model: &str) -> Read<MemoryCounts> {
        let values = arguments![agent, model];
        let counted = self.rows(Slow, common::COUNTS, values.into(), decode::memory_counts);
        Ok(counted.await?.into_iter().next().unwrap_or_default())
    }
}
