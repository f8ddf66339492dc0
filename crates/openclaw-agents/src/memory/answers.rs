use openclaw_core::{AgentId, SessionKey, Timestamp};
use openclaw_storage::rows::{MemoryCounts, MemorySource};

use super::pass::PassReport;

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct MemorySearch {
    /// Whose memory.
    pub agent_id: AgentId,
    /// The question or words.
    pub query: String,
    /// At most this many; the configuration's number otherwise.
    pub max_results: Option<u32>,
    /// The least score; the configuration's otherwise.
    pub min_score: Option<f64>,
}

/// How was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryMode {
    /// By words.
    Text,
    /// By words and meaning.
    Hybrid,
}

impl MemoryMode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Hybrid => "hybrid",
        }
    }
}

/// One place.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryHit {
    /// Notes or a session.
    pub source: MemorySource,
    /// The path below the workspace; of a session its id.
    pub path: String,
    /// The session's key.
    pub session_key: Option<SessionKey>,
    /// The first line, from 1; of a session the first message's number.
    pub start_line: u32,
    /// The last.
    pub end_line: u32,
    /// From 0 to 1.
    pub score: f64,
    /// The text, cut.
    pub snippet: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryFound {
    /// The places, best first.
    pub hits: Vec<MemoryHit>,
    /// How was searched.
    pub mode: MemoryMode,
    /// What was not as it should be.
    pub notice: Option<String>,
}

/// What indexing did.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryReport {
    /// What the pass did; `None` while it goes on.
    pub done: Option<PassReport>,
    /// What kept texts from getting vectors.
    pub trouble: Option<String>,
}

/// How an agent's memory stands.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryState {
    /// Whose.
    pub agent_id: AgentId,
    /// The embedding model; `None` where texts are found by their words alone.
    pub model: Option<String>,
    /// How a search would go at present.
    pub mode: MemoryMode,
    /// What is stored.
    pub counts: MemoryCounts,
    /// Whether a pass is under way.
    pub is_indexing: bool,
    /// When the last pass ended.
    pub indexed_at: Option<Timestamp>,
    /// What kept texts from getting vectors, and until when nothing is tried.
    pub trouble: Option<(String, Timestamp)>,
    /// For a deep look: what the model said to a word.
    pub probe: Option<Result<usize, String>>,
}
