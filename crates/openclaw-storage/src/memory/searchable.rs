//! What agents can search.

use std::collections::BTreeSet;

use async_trait::async_trait;
use openclaw_core::{AgentId, Session, SessionId};

use super::MemoryStorage;
use super::state::State;
use crate::rows::{
    MemoryChunkRow, MemoryCounts, MemoryFileRow, MemoryIndexing, MemorySource, MemoryVector,
    MemoryVectorRow, MemoryWordCounts,
};
use crate::{MemoryReads, MemoryWrite, StorageError, stems};

type Read<T> = Result<T, StorageError>;
/// An agent's file of a source.
pub(super) type FileKey = (AgentId, MemorySource, String);

/// A chunk with its words.
#[derive(Debug, Clone)]
pub(super) struct StoredChunk {
    row: MemoryChunkRow,
    stems: Vec<String>,
}

impl State {
    pub(super) fn memory(&mut self, write: &MemoryWrite) {
        match write {
            MemoryWrite::Index(indexing) => self.index_memory(indexing),
            MemoryWrite::Forget { agent_id, source, path } => {
                self.forget_memory(agent_id, *source, path.as_deref());
            }
            MemoryWrite::StoreVectors { agent_id, model, vectors } => {
                for vector in vectors {
                    self.store_vector(agent_id, model, vector);
                }
            }
            MemoryWrite::PruneVectors { agent_id, keep } => {
                self.prune_vectors(agent_id, keep.as_deref());
            }
        }
    }

    fn index_memory(&mut self, indexing: &MemoryIndexing) {
        let MemoryIndexing { file, from, chunks } = indexing;
        let key: FileKey = (file.agent_id.clone(), file.source, file.path.clone());
        self.drop_chunks(&key, *from);
        for (chunk, ordinal) in chunks.iter().zip(*from..) {
            let row = MemoryChunkRow {
                agent_id: file.agent_id.clone(),
                source: file.source,
                path: file.path.clone(),
                ordinal,
                chunk: chunk.clone(),
            };
            let stems = stems::of_text(&chunk.text);
            self.memory_chunks.insert((key.clone(), ordinal), StoredChunk { row, stems });
        }
        self.memory_files.insert(key, file.clone());
    }

    fn drop_chunks(&mut self, key: &FileKey, from: u32) {
        let all = (key.clone(), from)..=(key.clone(), u32::MAX);
        let places: Vec<_> =
            self.memory_chunks.range(all).map(|(place, _)| place.clone()).collect();
        for place in places {
            self.memory_chunks.remove(&place);
        }
    }

    /// Forgets a file, or all of a source.
    pub(super) fn forget_memory(
        &mut self,
        agent: &AgentId,
        source: MemorySource,
        path: Option<&str>,
    ) {
        let files: Vec<FileKey> = self
            .memory_files
            .iter()
            .map(|(key, _)| key)
            .filter(|key| key.0 == *agent && key.1 == source)
            .filter(|key| path.is_none_or(|path| path == key.2))
            .cloned()
            .collect();
        for key in files {
            self.drop_chunks(&key, 0);
            self.memory_files.remove(&key);
        }
    }

    fn store_vector(&mut self, agent: &AgentId, model: &str, vector: &MemoryVector) {
        let key = (agent.clone(), model.to_owned(), vector.hash.clone());
        if self.memory_hashes.contains(&key) {
            return;
        }
        // Positions are never given out anew.
        let position = self.last_vector.get(&()).copied().unwrap_or_default() + 1;
        self.last_vector.insert((), position);
        self.memory_hashes.insert(key, position);
        let place = (agent.clone(), model.to_owned(), position);
        self.memory_vectors.insert(place, vector.clone());
    }

    fn prune_vectors(&mut self, agent: &AgentId, keep: Option<&str>) {
        let present: BTreeSet<String> =
            self.chunks_of(agent).map(|chunk| chunk.row.chunk.hash.clone()).collect();
        let gone: Vec<_> = self
            .memory_hashes
            .iter()
            .filter(|((of, model, hash), _)| {
                of == agent && (Some(model.as_str()) != keep || !present.contains(hash))
            })
            .map(|(key, position)| (key.clone(), *position))
            .collect();
        for (key, position) in gone {
            self.memory_hashes.remove(&key);
            self.memory_vectors.remove(&(key.0, key.1, position));
        }
    }

    fn chunks_of<'a>(&'a self, agent: &'a AgentId) -> impl Iterator<Item = &'a StoredChunk> {
        let chunks = self.memory_chunks.iter().filter(move |(((of, ..), _), _)| of == agent);
        chunks.map(|(_, chunk)| chunk)
    }
}

#[async_trait]
impl MemoryReads for MemoryStorage {
    async fn memory_files(
        &self,
        agent: &AgentId,
        source: MemorySource,
    ) -> Read<Vec<MemoryFileRow>> {
        self.read(|state| {
            let files = state.memory_files.iter().map(|(_, file)| file);
            files.filter(|file| file.agent_id == *agent && file.source == source).cloned().collect()
        })
    }

    async fn unindexed_sessions(
        &self,
        agent: &AgentId,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Read<Vec<(Session, u64)>> {
        self.read(|state| {
            let indexed = |session: &Session| {
                let id = session.id.as_str().to_owned();
                let key = (agent.clone(), MemorySource::Sessions, id);
                state.memory_files.get(&key).map_or(0, |file| file.size)
            };
            let sessions = state.sessions.iter().map(|(_, session)| session);
            sessions
                .filter(|session| session.agent_id == *agent)
                .filter(|session| after.is_none_or(|after| session.id > *after))
                .map(|session| (session, indexed(session)))
                .filter(|(session, indexed)| session.last_seq.cast_unsigned() > *indexed)
                .take(limit as usize)
                .map(|(session, indexed)| (session.clone(), indexed))
                .collect()
        })
    }

    async fn last_memory_chunk(
        &self,
        agent: &AgentId,
        source: MemorySource,
        path: &str,
    ) -> Read<Option<MemoryChunkRow>> {
        let key: FileKey = (agent.clone(), source, path.to_owned());
        self.read(|state| {
            let mut all = state.memory_chunks.range((key.clone(), 0)..=(key, u32::MAX));
            all.next_back().map(|(_, chunk)| chunk.row.clone())
        })
    }

    async fn memory_word_counts(
        &self,
        agent: &AgentId,
        stems: &[String],
    ) -> Read<MemoryWordCounts> {
        self.read(|state| {
            let holding = |stem: &String| {
                let holds = |chunk: &&StoredChunk| chunk.stems.binary_search(stem).is_ok();
                state.chunks_of(agent).filter(holds).count() as u64
            };
            MemoryWordCounts {
                chunks: state.chunks_of(agent).count() as u64,
                holding: stems.iter().map(holding).collect(),
            }
        })
    }

    async fn memory_matches(
        &self,
        agent: &AgentId,
        stems: &[String],
        limit: u32,
    ) -> Read<Vec<MemoryChunkRow>> {
        self.read(|state| {
            let held = |chunk: &StoredChunk| {
                stems.iter().filter(|stem| chunk.stems.binary_search(stem).is_ok()).count()
            };
            let mut found: Vec<(usize, &StoredChunk)> = state
                .chunks_of(agent)
                .map(|chunk| (held(chunk), chunk))
                .filter(|(held, _)| *held > 0)
                .collect();
            found.sort_by_key(|(held, _)| std::cmp::Reverse(*held));
            found.into_iter().take(limit as usize).map(|(_, chunk)| chunk.row.clone()).collect()
        })
    }

    async fn memory_chunks_of(
        &self,
        agent: &AgentId,
        hashes: &[String],
    ) -> Read<Vec<MemoryChunkRow>> {
        self.read(|state| {
            let rows = state.chunks_of(agent).map(|chunk| &chunk.row);
            rows.filter(|row| hashes.contains(&row.chunk.hash)).cloned().collect()
        })
    }

    async fn texts_without_vector(
        &self,
        agent: &AgentId,
        model: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Read<Vec<(String, String)>> {
        self.read(|state| {
            let lacks = |hash: &str| {
                let key = (agent.clone(), model.to_owned(), hash.to_owned());
                !state.memory_hashes.contains(&key)
            };
            let mut texts: Vec<(String, String)> = state
                .chunks_of(agent)
                .map(|stored| &stored.row.chunk)
                .filter(|chunk| after.is_none_or(|after| chunk.hash.as_str() > after))
                .filter(|chunk| lacks(&chunk.hash))
                .map(|chunk| (chunk.hash.clone(), chunk.text.clone()))
                .collect();
            texts.sort();
            texts.dedup_by(|one, other| one.0 == other.0);
            texts.truncate(limit as usize);
            texts
        })
    }

    async fn memory_vectors_after(
        &self,
        agent: &AgentId,
        model: &str,
        after: i64,
        limit: u32,
    ) -> Read<Vec<MemoryVectorRow>> {
        self.read(|state| {
            let place = |position| (agent.clone(), model.to_owned(), position);
            let range = place(after.saturating_add(1))..=place(i64::MAX);
            let rows = state.memory_vectors.range(range).take(limit as usize);
            rows.map(|((.., position), vector)| MemoryVectorRow {
                position: *position,
                vector: vector.clone(),
            })
            .collect()
        })
    }

    async fn memory_counts(&self, agent: &AgentId, model: &str) -> Read<MemoryCounts> {
        self.read(|state| {
            let files = |source| {
                let all = state.memory_files.iter();
                all.filter(|((of, from, _), _)| of == agent && *from == source).count() as u64
            };
            let texts: BTreeSet<&str> =
                state.chunks_of(agent).map(|stored| stored.row.chunk.hash.as_str()).collect();
            let place = |position| (agent.clone(), model.to_owned(), position);
            let vectors = || state.memory_vectors.range(place(0)..=place(i64::MAX));
            MemoryCounts {
                files: files(MemorySource::Memory),
                sessions: files(MemorySource::Sessions),
                chunks: state.chunks_of(agent).count() as u64,
                texts: texts.len() as u64,
                vectors: vectors().count() as u64,
                last_vector: vectors().next_back().map_or(0, |((.., position), _)| *position),
            }
        })
    }
}
