use async_trait::async_trait;
use openclaw_core::{Session, SessionId, SessionKey, Timestamp};

use super::{Pace, Read, SqlReads, statements};
use crate::assemble::folded_text;
use crate::rows::{Page, SessionQuery};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::{SessionReads, StorageError};

statements! {
    /// The plain page is a statement of its own: conditions that may be off cost as much as the
    /// rows.
    SessionSql { by_id, by_key, count, page, filtered_page }
}

/// Which sessions said nothing since a moment. Reads the whole table, once an hour: an index of its
/// own would be written with every message.
const QUIET: &str = concat!(
    "SELECT ",
    super::session!(),
    " FROM sessions WHERE last_activity_at < $1 AND NOT EXISTS (
        SELECT 1 FROM inbox WHERE inbox.session_key = sessions.session_key
        AND inbox.ended_at IS NULL AND inbox.session_id = sessions.id)
    ORDER BY last_activity_at, id LIMIT $2"
);

#[async_trait]
impl<E: SqlReads> SessionReads for E {
    async fn session(&self, id: &SessionId) -> Read<Option<Session>> {
        self.row(E::SQL.sessions.by_id, arguments![id].into(), decode::session).await
    }

    async fn session_by_key(&self, key: &SessionKey) -> Read<Option<Session>> {
        self.row(E::SQL.sessions.by_key, arguments![key].into(), decode::session).await
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
            let pace = if query.search.is_some() { Pace::Slow } else { Pace::Quick };
            let values = arguments![
                limit,
                at,
                id,
                query.active_since.map_or(i64::MIN, |since| since.as_millis()),
                query.channel_id.as_ref(),
                query.agent_id.as_ref(),
                query.search.as_deref().map(folded_text),
            ];
            let sql = E::SQL.sessions.filtered_page;
            self.rows(pace, sql, values.into(), decode::session).await?
        } else {
            let values = arguments![limit, at, id];
            self.rows(Pace::Quick, E::SQL.sessions.page, values.into(), decode::session).await?
        };
        let has_more = items.len() > size;
        items.truncate(size);
        let next_cursor = items.last().filter(|_| has_more).map(SessionQuery::cursor_after);
        Ok(Page { items, next_cursor })
    }

    async fn quiet_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<Session>> {
        self.rows(Pace::Slow, QUIET, arguments![before, limit].into(), decode::session).await
    }

    async fn count_sessions(&self) -> Read<u64> {
        let counted = self.row(E::SQL.sessions.count, Vec::new(), decode::count).await?;
        Ok(counted.unwrap_or_default())
    }
}
