//! One pass over what an agent can search: what changed is indexed, what is gone is forgotten, what has
//! no vector gets one. Each step is a small batch, so that a pass can be cut off anywhere: the next
//! one goes on from what is stored.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use openclaw_config::{MemorySessions, MemorySettings};
use openclaw_core::{AgentId, Clock, Message, Session, Timestamp};
use openclaw_storage::rows::{
    MemoryFileRow, MemoryIndexing, MemorySource, MemoryVector, NewMemoryChunk,
};
use openclaw_storage::{Batch, MemoryWrite, Storage, Write};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chunker::{ChunkSize, Piece, pieces};
use super::embedder::{EmbedError, Embedder};
use super::error::MemoryError;
use super::hash::hash_of;
use super::notes::{self, Note};
use super::sessions;

/// Chunks of one batch: it holds the store's writer for a few milliseconds.
const CHUNKS: usize = 32;
/// Texts that are embedded together.
const TEXTS: u32 = 32;
/// Sessions and messages that are read together.
const SESSIONS: u32 = 50;
const MESSAGES: u32 = 200;

/// What a pass works with and on.
#[derive(Clone)]
pub(super) struct Pass {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    pub(super) agent: AgentId,
    pub(super) workspace: PathBuf,
    pub(super) settings: MemorySettings,
    /// Whether files are read though they look unchanged.
    pub(super) is_forced: bool,
}

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassReport {
    /// Files and sessions that were indexed.
    pub indexed: u64,
    /// Files that are gone and were forgotten.
    pub removed: u64,
    /// Vectors that were made.
    pub vectors: u64,
}

impl Pass {
    /// Indexes what changed, by words: what it wrote is found at once.
    pub(super) async fn index(&self) -> Result<PassReport, MemoryError> {
        let mut report = self.index_notes().await?;
        self.index_sessions(&mut report).await?;
        Ok(report)
    }

    fn check(&self) -> Result<(), MemoryError> {
        if self.stop.is_cancelled() { Err(MemoryError::Ending) } else { Ok(()) }
    }

    async fn write(&self, write: MemoryWrite) -> Result<(), MemoryError> {
        self.check()?;
        self.storage.apply(Batch::new().with(Write::Memory(write))).await?;
        Ok(())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, MemoryError> {
        self.tasks.spawn_blocking(work).await.map_err(MemoryError::Broken)
    }

    fn size(&self) -> ChunkSize {
        ChunkSize::of_tokens(self.settings.chunk_tokens, self.settings.chunk_overlap)
    }

    async fn index_notes(&self) -> Result<PassReport, MemoryError> {
        let root = self.workspace.clone();
        let notes = self.blocking(move || notes::list(&root)).await??;
        let stored = self.storage.memory_files(&self.agent, MemorySource::Memory).await?;
        let mut known: BTreeMap<String, MemoryFileRow> =
            stored.into_iter().map(|file| (file.path.clone(), file)).collect();
        let mut report = PassReport::default();
        for note in notes {
            let before = known.remove(&note.path);
            report.indexed += u64::from(self.index_note(note, before).await?);
        }
        for path in known.into_keys() {
            let agent_id = self.agent.clone();
            let (source, path) = (MemorySource::Memory, Some(path));
            self.write(MemoryWrite::Forget { agent_id, source, path }).await?;
            report.removed += 1;
        }
        Ok(report)
    }

    /// Answers whether there was something to index.
    async fn index_note(
        &self,
        note: Note,
        before: Option<MemoryFileRow>,
    ) -> Result<bool, MemoryError> {
        let size = self.size();
        // Other sizes of chunks make another file of it.
        let kind = format!("{}/{}:", size.most, size.overlap);
        let looks_unchanged = before.as_ref().is_some_and(|before| {
            before.hash.starts_with(&kind)
                && (before.modified_at, before.size) == (note.modified_at, note.size)
        });
        if looks_unchanged && !self.is_forced {
            return Ok(false);
        }
        let (root, path) = (self.workspace.clone(), note.path.clone());
        let text = match self.blocking(move || notes::read(&root, &path)).await? {
            Ok(text) => text,
            Err(error) => {
                // It may be gone again, or not be ours to read; the others are indexed all the same.
                tracing::warn!(path = note.path, %error, "a note cannot be read");
                return Ok(false);
            }
        };
        let file = MemoryFileRow {
            agent_id: self.agent.clone(),
            source: MemorySource::Memory,
            path: note.path,
            hash: format!("{kind}{}", hash_of(&text)),
            modified_at: note.modified_at,
            size: note.size,
            indexed_at: self.clock.now(),
        };
        if before.is_some_and(|before| before.hash == file.hash) {
            let indexing = MemoryIndexing { file, from: u32::MAX, chunks: Vec::new() };
            self.write(MemoryWrite::Index(Box::new(indexing))).await?;
            return Ok(false);
        }
        let chunk = |piece: Piece| NewMemoryChunk {
            start_line: piece.start_line,
            end_line: piece.end_line,
            hash: hash_of(&piece.text),
            text: piece.text,
            said_at: note.modified_at,
        };
        let chunks = pieces(&text, size).into_iter().map(chunk).collect();
        self.store(file, 0, chunks).await?;
        Ok(true)
    }

    /// Stores chunks from a place on in small batches; until the last is stored the file has no hash,
    /// so that a pass that was cut off is made up for.
    async fn store(
        &self,
        file: MemoryFileRow,
        mut from: u32,
        chunks: Vec<NewMemoryChunk>,
    ) -> Result<(), MemoryError> {
        let mut rest = chunks;
        loop {
            let later = rest.split_off(rest.len().min(CHUNKS));
            let is_last = later.is_empty();
            let file = if is_last {
                file.clone()
            } else {
                MemoryFileRow { hash: String::new(), size: 0, ..file.clone() }
            };
            let count = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let indexing = MemoryIndexing { file, from, chunks: rest };
            self.write(MemoryWrite::Index(Box::new(indexing))).await?;
            if is_last {
                return Ok(());
            }
            from = from.saturating_add(count);
            rest = later;
        }
    }

    async fn index_sessions(&self, report: &mut PassReport) -> Result<(), MemoryError> {
        let rule = sessions::rule(self.settings.sessions);
        let stored = self.storage.memory_files(&self.agent, MemorySource::Sessions).await?;
        let is_other = |file: &MemoryFileRow| file.hash != rule && !file.hash.is_empty();
        if stored.iter().any(is_other) || (self.is_forced && !stored.is_empty()) {
            let (agent_id, source) = (self.agent.clone(), MemorySource::Sessions);
            self.write(MemoryWrite::Forget { agent_id, source, path: None }).await?;
        }
        if self.settings.sessions == MemorySessions::Off {
            return Ok(());
        }
        let mut after = None;
        loop {
            let behind =
                self.storage.unindexed_sessions(&self.agent, after.as_ref(), SESSIONS).await?;
            let Some((last, _)) = behind.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for (session, indexed) in behind {
                if sessions::is_searched(self.settings.sessions, &session) {
                    self.index_session(&session, indexed, rule).await?;
                    report.indexed += 1;
                }
            }
        }
    }

    async fn index_session(
        &self,
        session: &Session,
        indexed: u64,
        rule: &str,
    ) -> Result<(), MemoryError> {
        let mut after = i64::try_from(indexed).unwrap_or(i64::MAX);
        let path = session.id.as_str();
        let last =
            self.storage.last_memory_chunk(&self.agent, MemorySource::Sessions, path).await?;
        let mut from = 0;
        if let Some(last) = last {
            from = last.ordinal + 1;
            // A chunk with room is filled up, unless it begins within a message.
            let has_room = last.chunk.text.chars().count() < self.size().most / 2;
            if indexed > 0 && has_room && sessions::begins_a_message(&last.chunk.text) {
                (from, after) = (last.ordinal, i64::from(last.chunk.start_line) - 1);
            }
        }
        if indexed == 0 {
            (from, after) = (0, 0);
        }
        loop {
            let messages: Vec<Message> =
                self.storage.messages_after(&session.id, after, MESSAGES).await?;
            let is_end = messages.len() < MESSAGES as usize;
            after = messages.last().map_or(after, |message| message.seq);
            // What is no message has numbers too.
            let up_to = if is_end { session.last_seq.max(after) } else { after };
            let chunks = sessions::chunks(&messages, self.size());
            let count = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            let row = sessions::row(&self.agent, session, (rule, up_to), self.clock.now());
            self.store(row, from, chunks).await?;
            from = from.saturating_add(count);
            if is_end {
                return Ok(());
            }
        }
    }

    /// Gives texts their vectors. Answers how many, and what kept the rest from getting one.
    pub(super) async fn embed(
        &self,
        embedder: &dyn Embedder,
    ) -> Result<(u64, Option<EmbedError>), MemoryError> {
        let model = embedder.id();
        let (mut made, mut after): (u64, Option<String>) = (0, None);
        loop {
            let texts = self
                .storage
                .texts_without_vector(&self.agent, model, after.as_deref(), TEXTS)
                .await?;
            let Some((last, _)) = texts.last() else { break };
            after = Some(last.clone());
            let (hashes, texts): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
            let embedded = tokio::select! {
                biased;
                // Nothing is lost: what has no vector is asked for by the next pass.
                () = self.stop.cancelled() => return Err(MemoryError::Ending),
                embedded = embedder.embed(texts) => embedded,
            };
            let embeddings = match embedded {
                Ok(embeddings) => embeddings,
                Err(error) => return Ok((made, Some(error))),
            };
            made += embeddings.len() as u64;
            let vectors = hashes
                .into_iter()
                .zip(embeddings)
                .map(|(hash, embedding)| MemoryVector { hash, embedding })
                .collect();
            let (agent_id, model) = (self.agent.clone(), model.to_owned());
            self.write(MemoryWrite::StoreVectors { agent_id, model, vectors }).await?;
        }
        Ok((made, None))
    }

    /// Deletes vectors that are of no more use, once all texts have those of the present model.
    pub(super) async fn prune(&self, model: &str) -> Result<(), MemoryError> {
        let (agent_id, keep) = (self.agent.clone(), Some(model.to_owned()));
        self.write(MemoryWrite::PruneVectors { agent_id, keep }).await
    }

    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
