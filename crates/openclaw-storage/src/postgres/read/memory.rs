//! What agents can search.

use crate::sql::memory::any_for_postgres;
use crate::sql::read::MemorySql;

pub(super) const MEMORY: MemorySql = MemorySql {
    matches: MATCHES,
    count_holding: COUNT_HOLDING,
    of_hashes: OF_HASHES,
    any_of: any_for_postgres,
    list_of: |hashes| hashes.join(","),
};

const MATCHES: &str =
    "SELECT agent_id, source, path, ordinal, start_line, end_line, hash, text, said_at
    FROM memory_chunks WHERE agent_id = $2 AND search @@ $1::text::tsquery
    ORDER BY ts_rank(search, $1::text::tsquery) DESC, position LIMIT $3";
const COUNT_HOLDING: &str = "SELECT COUNT(*) FROM memory_chunks
    WHERE agent_id = $2 AND search @@ $1::text::tsquery";
const OF_HASHES: &str =
    "SELECT agent_id, source, path, ordinal, start_line, end_line, hash, text, said_at
    FROM memory_chunks WHERE agent_id = $1 AND hash = ANY(string_to_array($2::text, ','))";
