use async_trait::async_trait;
use openclaw_core::{Session, SessionId, SessionKey, Timestamp};

use super::Read;
use crate::assemble::folded_text;
use crate::rows::{Page, SessionQuery};
use crate::sqlite::argument::arguments;
use crate::sqlite::{SqliteStorage, decode};
use crate::{SessionReads, StorageError};

macro_rules! columns {
    () => {
        "id, session_key, agent_id, channel_id, user_id, chat_id, label, config, state, context, \
         last_seq, created_at, updated_at, last_activity_at, ended_at"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1");
const BY_KEY: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions INDEXED BY sessions_live_key WHERE session_key = $1 AND ended_at IS NULL"
);
// Reads the whole table, once an hour: an index of its own would be written with every message.
const QUIET: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions WHERE last_activity_at < $1 AND NOT EXISTS (
        SELECT 1 FROM inbox WHERE inbox.session_key = sessions.session_key
        AND inbox.ended_at IS NULL AND inbox.session_id = sessions.id)
    ORDER BY last_activity_at, id LIMIT $2 + 0"
);

const COUNT: &str = "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL";

// The plain page is a statement of its own: conditions that may be off cost as much as the rows.
const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions INDEXED BY sessions_live_activity WHERE ended_at IS NULL
    AND (last_activity_at, id) < ($2, $3)
    ORDER BY last_activity_at DESC, id DESC LIMIT $1 + 0"
);
const FILTERED_PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions INDEXED BY sessions_live_activity WHERE ended_at IS NULL
    AND (last_activity_at, id) < ($2, $3) AND last_activity_at >= $4
    AND ($5 IS NULL OR channel_id = $5) AND ($6 IS NULL OR agent_id = $6)
    AND ($7 IS NULL OR instr(folded_ids, $7) > 0 OR instr(folded_label, $7) > 0)
    ORDER BY last_activity_at DESC, id DESC LIMIT $1 + 0"
);

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 5] = [BY_ID, BY_KEY, COUNT, PAGE, FILTERED_PAGE];

#[async_trait]
impl SessionReads for SqliteStorage {
    async fn session(&self, id: &SessionId) -> Read<Option<Session>> {
        self.optional(BY_ID, arguments![id], decode::session).await
    }

    async fn session_by_key(&self, key: &SessionKey) -> Read<Option<Session>> {
        self.optional(BY_KEY, arguments![key], decode::session).await
    }

    async fn list_sessions(&self, query: &SessionQuery) -> Read<Page<Session>> {
        let (at, id) = match &query.cursor {
            // Every session comes after this one.
            None => (i64::MAX, String::new()),
            Some(cursor) => {
                let (at, id) = SessionQuery::parse_cursor(cursor)
                    .ok_or_else(|| StorageError::bad_cursor(cursor))?;
                (at.as_millis(), id.into_string())
            }
        };
        // One more than asked for tells whether another page follows.
        let size = query.page_size();
        let limit = size as i64 + 1;
        let is_filtered = query.search.is_some()
            || query.channel_id.is_some()
            || query.agent_id.is_some()
            || query.active_since.is_some();
        let mut items = if is_filtered {
            let readers = if query.search.is_some() { &self.slow_readers } else { &self.readers };
            let values = arguments![
                limit,
                at,
                id,
                query.active_since.map_or(i64::MIN, |since| since.as_millis()),
                query.channel_id.as_ref(),
                query.agent_id.as_ref(),
                query.search.as_deref().map(folded_text),
            ];
            self.all_on(readers, FILTERED_PAGE, values, decode::session).await?
        } else {
            self.all(PAGE, arguments![limit, at, id], decode::session).await?
        };
        let has_more = items.len() > size;
        items.truncate(size);
        let next_cursor = items.last().filter(|_| has_more).map(SessionQuery::cursor_after);
        Ok(Page { items, next_cursor })
    }

    async fn quiet_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<Session>> {
        self.all_on(&self.slow_readers, QUIET, arguments![before, limit], decode::session).await
    }

    async fn count_sessions(&self) -> Read<u64> {
        Ok(self.optional(COUNT, [], decode::count).await?.unwrap_or_default())
    }
}
