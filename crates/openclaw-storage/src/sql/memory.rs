//! The statements about what agents can search that all engines of SQL understand, and their values.
//!
//! A limit is a cast and no bare parameter: at those SQLite's planner prepares anew each time.

use openclaw_core::AgentId;

use super::argument::{Argument, arguments};
use crate::rows::{
    MemoryFileRow, MemoryIndexing, MemorySource, MemoryVector, NewMemoryChunk, vector_bytes,
};
use crate::stems;

pub(crate) const FILES: &str = "SELECT agent_id, source, path, hash, modified_at, size, indexed_at
    FROM memory_files WHERE agent_id = $1 AND source = $2 ORDER BY path";
pub(crate) const UNINDEXED_SESSIONS: &str =
    "SELECT s.id, s.session_key, s.agent_id, s.channel_id, s.user_id, s.chat_id, s.label, s.config,
    s.state, s.context, s.last_seq, s.created_at, s.updated_at, s.last_activity_at, s.ended_at,
    COALESCE(f.size, 0)
    FROM sessions s LEFT JOIN memory_files f
    ON f.agent_id = s.agent_id AND f.source = 'sessions' AND f.path = s.id
    WHERE s.agent_id = $1 AND s.id > $2 AND s.last_seq > COALESCE(f.size, 0)
    ORDER BY s.id LIMIT CAST($3 AS BIGINT)";
pub(crate) const LAST_CHUNK: &str =
    "SELECT agent_id, source, path, ordinal, start_line, end_line, hash, text, said_at
    FROM memory_chunks WHERE agent_id = $1 AND source = $2 AND path = $3
    ORDER BY ordinal DESC LIMIT 1";
pub(crate) const COUNT_CHUNKS: &str = "SELECT COUNT(*) FROM memory_chunks WHERE agent_id = $1";
pub(crate) const WITHOUT_VECTOR: &str =
    "SELECT c.hash, MIN(c.text) FROM memory_chunks c WHERE c.agent_id = $1 AND c.hash > $3
    AND NOT EXISTS (SELECT 1 FROM memory_vectors v
        WHERE v.agent_id = $1 AND v.model = $2 AND v.hash = c.hash)
    GROUP BY c.hash ORDER BY c.hash LIMIT CAST($4 AS BIGINT)";
pub(crate) const VECTORS_AFTER: &str = "SELECT position, hash, embedding FROM memory_vectors
    WHERE agent_id = $1 AND model = $2 AND position > $3
    ORDER BY position LIMIT CAST($4 AS BIGINT)";
pub(crate) const COUNTS: &str = "SELECT
    (SELECT COUNT(*) FROM memory_files WHERE agent_id = $1 AND source = 'memory'),
    (SELECT COUNT(*) FROM memory_files WHERE agent_id = $1 AND source = 'sessions'),
    (SELECT COUNT(*) FROM memory_chunks WHERE agent_id = $1),
    (SELECT COUNT(DISTINCT hash) FROM memory_chunks WHERE agent_id = $1),
    (SELECT COUNT(*) FROM memory_vectors WHERE agent_id = $1 AND model = $2),
    (SELECT COALESCE(MAX(position), 0) FROM memory_vectors WHERE agent_id = $1 AND model = $2)";

pub(crate) const DROP_CHUNKS: &str = "DELETE FROM memory_chunks
    WHERE agent_id = $1 AND source = $2 AND path = $3 AND ordinal >= $4";
pub(crate) const INSERT_CHUNK: &str =
    "INSERT INTO memory_chunks (agent_id, source, path, ordinal, start_line, end_line, hash, text,
    words, said_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
pub(crate) const PUT_FILE: &str =
    "INSERT INTO memory_files (agent_id, source, path, hash, modified_at, size, indexed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (agent_id, source, path) DO UPDATE SET hash = excluded.hash,
    modified_at = excluded.modified_at, size = excluded.size, indexed_at = excluded.indexed_at";
pub(crate) const FORGET_CHUNKS: &str = "DELETE FROM memory_chunks
    WHERE agent_id = $1 AND source = $2 AND path = COALESCE(CAST($3 AS TEXT), path)";
pub(crate) const FORGET_FILES: &str = "DELETE FROM memory_files
    WHERE agent_id = $1 AND source = $2 AND path = COALESCE(CAST($3 AS TEXT), path)";
pub(crate) const STORE_VECTOR: &str =
    "INSERT INTO memory_vectors (agent_id, model, hash, embedding) VALUES ($1, $2, $3, $4)
    ON CONFLICT (agent_id, model, hash) DO NOTHING";
pub(crate) const PRUNE_VECTORS: &str = "DELETE FROM memory_vectors WHERE agent_id = $1
    AND (model <> COALESCE(CAST($2 AS TEXT), '') OR NOT EXISTS (SELECT 1 FROM memory_chunks c
        WHERE c.agent_id = $1 AND c.hash = memory_vectors.hash))";
pub(crate) const FORGET_SESSION_CHUNKS: &str = "DELETE FROM memory_chunks
    WHERE agent_id = (SELECT agent_id FROM sessions WHERE id = $1)
    AND source = 'sessions' AND path = $1";
pub(crate) const FORGET_SESSION_FILE: &str = "DELETE FROM memory_files
    WHERE agent_id = (SELECT agent_id FROM sessions WHERE id = $1)
    AND source = 'sessions' AND path = $1";

#[cfg(test)]
pub(crate) const READS: &[&str] =
    &[FILES, UNINDEXED_SESSIONS, LAST_CHUNK, COUNT_CHUNKS, WITHOUT_VECTOR, VECTORS_AFTER, COUNTS];

#[cfg(test)]
pub(crate) const WRITES: &[&str] = &[
    DROP_CHUNKS,
    INSERT_CHUNK,
    PUT_FILE,
    FORGET_CHUNKS,
    FORGET_FILES,
    STORE_VECTOR,
    PRUNE_VECTORS,
    FORGET_SESSION_CHUNKS,
    FORGET_SESSION_FILE,
];

impl From<MemorySource> for Argument {
    fn from(source: MemorySource) -> Self {
        source.as_str().into()
    }
}

/// The values of [`DROP_CHUNKS`].
pub(crate) fn dropped(indexing: &MemoryIndexing) -> [Argument; 4] {
    let file = &indexing.file;
    arguments![&file.agent_id, file.source, &file.path, indexing.from]
}

/// The values of [`INSERT_CHUNK`].
pub(crate) fn chunk(file: &MemoryFileRow, ordinal: u32, chunk: &NewMemoryChunk) -> [Argument; 10] {
    arguments![
        &file.agent_id,
        file.source,
        &file.path,
        ordinal,
        chunk.start_line,
        chunk.end_line,
        &chunk.hash,
        &chunk.text,
        stems::of_text(&chunk.text).join(" "),
        chunk.said_at,
    ]
}

/// The values of [`PUT_FILE`].
pub(crate) fn file(file: &MemoryFileRow) -> [Argument; 7] {
    arguments![
        &file.agent_id,
        file.source,
        &file.path,
        &file.hash,
        file.modified_at,
        i64::try_from(file.size).unwrap_or(i64::MAX),
        file.indexed_at,
    ]
}

/// The values of [`STORE_VECTOR`].
pub(crate) fn vector(agent: &AgentId, model: &str, vector: &MemoryVector) -> [Argument; 4] {
    arguments![agent, model, &vector.hash, vector_bytes(&vector.embedding)]
}

/// Any of the words, as SQLite's index wants it. Words hold nothing but letters and digits.
pub(crate) fn any_for_sqlite(stems: &[String]) -> String {
    stems.iter().map(|stem| format!("\"{stem}\"")).collect::<Vec<_>>().join(" OR ")
}

/// Any of the words, as PostgreSQL's index wants it.
#[cfg(feature = "postgres")]
pub(crate) fn any_for_postgres(stems: &[String]) -> String {
    stems.iter().map(|stem| format!("'{stem}'")).collect::<Vec<_>>().join(" | ")
}
