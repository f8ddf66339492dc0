//! Keeps the index of words up with the messages.
//!
//! Indexing a message within its own batch would dirty half a dozen more pages for each; a few hundred
//! at a time share them. The writer does it when nothing waits, and before each search.

use std::ops::ControlFlow;

use serde_json::json;

use super::connection::Connection;
use super::query;
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::words;

/// So many messages are indexed in one transaction, and so many may wait for it.
pub(super) const CHUNK: u64 = 256;

const INDEXED: &str = "SELECT indexed FROM search_state";
const UNINDEXED: &str = "SELECT position, content FROM messages
    WHERE position > $1 ORDER BY position LIMIT $2 + 0";
const INDEX: &str = "INSERT OR REPLACE INTO message_search (rowid, words)
    SELECT value ->> 0, value ->> 1 FROM json_each($1)";
const NOTE: &str = "UPDATE search_state SET indexed = $2";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INDEXED, UNINDEXED];

/// Indexes one chunk. Answers whether there may be more. After an error the connection must not be used
/// again.
pub(super) async fn index_chunk(connection: &mut Connection) -> Result<bool, sqlx::Error> {
    let indexed = query::optional(connection, INDEXED, [], decode::integer).await?;
    let values = arguments![indexed.unwrap_or_default(), CHUNK as i64];
    let rows = query::all(connection, UNINDEXED, values, decode::position_and_content).await?;
    let Some((last, _)) = rows.last() else { return Ok(false) };
    let last = *last;
    let is_full = rows.len() as u64 == CHUNK;
    let documents: Vec<_> = rows
        .iter()
        .map(|(position, content)| json!([position, words::of_content(content).join(" ")]))
        .collect();
    let text = format!("BEGIN IMMEDIATE;{INDEX};{NOTE};COMMIT");
    let values = query::bound(arguments![serde_json::Value::from(documents).to_string(), last]);
    connection.run(text, values, 4, |_| Ok(ControlFlow::Continue(()))).await?;
    Ok(is_full)
}
