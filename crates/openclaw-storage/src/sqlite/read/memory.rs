//! What agents can search.

use crate::sql::memory::any_for_sqlite;
use crate::sql::read::MemorySql;

pub(super) const MEMORY: MemorySql = MemorySql {
    matches: MATCHES,
    count_holding: COUNT_HOLDING,
    of_hashes: OF_HASHES,
    any_of: any_for_sqlite,
    list_of: |hashes| serde_json::Value::from(hashes).to_string(),
};

const MATCHES: &str =
    "SELECT c.agent_id, c.source, c.path, c.ordinal, c.start_line, c.end_line, c.hash, c.text,
    c.said_at FROM memory_search JOIN memory_chunks c ON c.position = memory_search.rowid
    WHERE memory_search MATCH $1 AND c.agent_id = $2
    ORDER BY memory_search.rank LIMIT CAST($3 AS BIGINT)";
const COUNT_HOLDING: &str =
    "SELECT COUNT(*) FROM memory_search JOIN memory_chunks c ON c.position = memory_search.rowid
    WHERE memory_search MATCH $1 AND c.agent_id = $2";
const OF_HASHES: &str =
    "SELECT c.agent_id, c.source, c.path, c.ordinal, c.start_line, c.end_line, c.hash, c.text,
    c.said_at FROM json_each($2) wanted
    JOIN memory_chunks c ON c.agent_id = $1 AND c.hash = wanted.value";
