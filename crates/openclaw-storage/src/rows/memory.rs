//! What agents can search: files in chunks, and vectors.

use openclaw_core::{AgentId, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a chunk comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemorySource {
    /// A file of notes in the agent's workspace.
    Memory,
    /// What was said in a session.
    Sessions,
}

impl MemorySource {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Memory, Self::Sessions];

    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sessions => "sessions",
        }
    }
}

/// A file as far as it is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFileRow {
    /// The agent.
    pub agent_id: AgentId,
    /// Where it comes from.
    pub source: MemorySource,
    /// The path below the workspace; of a session its id.
    pub path: String,
    /// The hash of what was indexed; empty while only a part is.
    pub hash: String,
    /// When the file was changed; of a session its last activity.
    pub modified_at: Timestamp,
    /// The size in bytes; of a session the last `seq` that was indexed.
    pub size: u64,
    /// When it was indexed.
    pub indexed_at: Timestamp,
}

/// A piece of a file, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMemoryChunk {
    /// The first line, from 1; of a session the first `seq`.
    pub start_line: u32,
    /// The last line.
    pub end_line: u32,
    /// The hash of the text: its vector is kept under it.
    pub hash: String,
    /// The text.
    pub text: String,
    /// When it was said or written, for what is equally good.
    pub said_at: Timestamp,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryChunkRow {
    /// The agent.
    pub agent_id: AgentId,
    /// Where it comes from.
    pub source: MemorySource,
    /// The path below the workspace; of a session its id.
    pub path: String,
    /// Its place in the file, from 0.
    pub ordinal: u32,
    /// The rest.
    pub chunk: NewMemoryChunk,
}

impl MemoryChunkRow {
    /// By source, path and place.
    pub(crate) fn sort(rows: &mut [Self]) {
        rows.sort_by(|one, other| {
            (one.source, &one.path, one.ordinal).cmp(&(other.source, &other.path, other.ordinal))
        });
    }
}

/// A part of a file to index: its chunks take the place of all from `from` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryIndexing {
    /// The file as far as it is indexed then.
    pub file: MemoryFileRow,
    /// The place of the first of these chunks.
    pub from: u32,
    /// The chunks; a batch should hold few.
    pub chunks: Vec<NewMemoryChunk>,
}

/// The vector of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryVector {
    /// The hash of the text.
    pub hash: String,
    /// The vector.
    pub embedding: Vec<f32>,
}

/// A stored vector.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryVectorRow {
    /// Its place in the order of storing.
    pub position: i64,
    /// The vector.
    pub vector: MemoryVector,
}

/// How many chunks hold some words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryWordCounts {
    /// The chunks of the agent.
    pub chunks: u64,
    /// Of these, those that hold a word, in the order of the words.
    pub holding: Vec<u64>,
}

/// What is stored of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryCounts {
    /// Files of notes.
    pub files: u64,
    /// Sessions.
    pub sessions: u64,
    /// Chunks.
    pub chunks: u64,
    /// Different texts among them.
    pub texts: u64,
    /// Vectors of the model that was asked about.
    pub vectors: u64,
    /// The newest position among those vectors.
    pub last_vector: i64,
}

/// The bytes of a vector, as engines keep them: little-endian.
pub(crate) fn vector_bytes(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The vector in these bytes.
pub(crate) fn vector_of(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
}
