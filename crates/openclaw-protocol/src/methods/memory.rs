use openclaw_core::{AgentId, SessionKey, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `memory.search`.
    MemorySearch, "memory.search", Access::Scope(Scope::Read), MemorySearchParams => MemorySearchResult,
    "Searches an agent's notes and past sessions by words, and by meaning where an embedding model is configured."
}
method! {
    /// `memory.index`.
    MemoryIndex, "memory.index", Access::Scope(Scope::Write), MemoryIndexParams => MemoryIndexResult,
    "Brings the index of an agent's notes and sessions up to date; waits for it at most 50 s."
}
method! {
    /// `memory.status`.
    MemoryStatusGet, "memory.status", Access::Scope(Scope::Read), MemoryStatusParams => MemoryStatus,
    "Tells what is indexed of an agent's notes and sessions, and how it is searched."
}

/// The params of `memory.search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemorySearchParams {
    /// A question or words.
    #[schemars(length(min = 1))]
    pub query: String,
    /// Whose memory; default `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// At most this many, 1 to 50; default `memory.query.max_results`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50))]
    pub max_results: Option<u32>,
    /// The least score, 0 to 1; default `memory.query.min_score`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_score: Option<f64>,
}

/// The result of `memory.search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemorySearchResult {
    /// The places, best first.
    pub results: Vec<MemoryPlace>,
    /// How was searched.
    pub mode: SearchMode,
    /// What was not as it should be, such as an embedding service that does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// A place that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryPlace {
    /// `memory` for notes, `sessions` for what was said.
    pub source: String,
    /// The path below the agent's workspace; of a session its id.
    pub path: String,
    /// The session's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The first line, from 1; of a session the `seq` of the first message.
    pub start_line: u32,
    /// The last line.
    pub end_line: u32,
    /// How well it fits, 0 to 1.
    pub score: f64,
    /// The text, at most 700 characters.
    pub snippet: String,
}

/// How memory is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchMode {
    /// By words.
    Text,
    /// By words and meaning.
    Hybrid,
}

/// The params of `memory.index`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryIndexParams {
    /// Whose memory; default `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Whether files are read though they look unchanged, and a failing model is asked again.
    #[serde(default)]
    pub force: bool,
}

/// The result of `memory.index`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryIndexResult {
    /// Whether it came to its end; it goes on otherwise.
    pub finished: bool,
    /// Files and sessions that were indexed.
    pub indexed: u64,
    /// Files that are gone and were forgotten.
    pub removed: u64,
    /// Vectors that were made.
    pub vectors: u64,
    /// What kept texts from getting vectors; they are found by their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// The params of `memory.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryStatusParams {
    /// Whose memory; default `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Whether the embedding model is asked for a vector.
    #[serde(default)]
    pub deep: bool,
}

/// The result of `memory.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryStatus {
    /// Whose.
    pub agent_id: AgentId,
    /// How a search would go at present.
    pub mode: SearchMode,
    /// The embedding model; absent where texts are found by their words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Files of notes that are indexed.
    pub files: u64,
    /// Sessions that are indexed.
    pub sessions: u64,
    /// Chunks.
    pub chunks: u64,
    /// Different texts among the chunks.
    pub texts: u64,
    /// How many of them have a vector.
    pub vectors: u64,
    /// Whether indexing is under way.
    pub indexing: bool,
    /// When it last came to its end since the gateway started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed_at: Option<Timestamp>,
    /// What keeps texts from getting vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Until when the failing model is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// How long the model's vectors are, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u64>,
}
