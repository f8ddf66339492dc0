//! Messages, transcript and events.

use async_trait::async_trait;
use openclaw_core::{ChannelId, ChatId, ExternalId, Message, MessageId, RunId, SessionId};

use super::Read;
use crate::postgres::PostgresStorage;
use crate::rows::{EventRow, MessageQuery, Page, TranscriptRow};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::words::Wanted;
use crate::{EventReads, MessageReads, TranscriptReads};

macro_rules! columns {
    () => {
        "id, session_id, seq, channel_id, chat_id, thread_id, direction, content, metadata, \
         reply_to, external_id, run_id, created_at, edited_at"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM messages WHERE id = $1");
const BEFORE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages WHERE session_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
);
const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages WHERE session_id = $1 ORDER BY seq DESC LIMIT $2"
);
const AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
);
const BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM messages
    WHERE channel_id = $1 AND chat_id = $2 AND external_id = $3
    ORDER BY created_at DESC, id DESC LIMIT 1"
);

macro_rules! found {
    () => {
        "m.id, m.session_id, m.seq, m.channel_id, m.chat_id, m.thread_id, m.direction, m.content, \
         m.metadata, m.reply_to, m.external_id, m.run_id, m.created_at, m.edited_at"
    };
}

const SEARCH: &str = concat!(
    "SELECT ",
    found!(),
    " FROM messages m
    WHERE m.search @@ $1::text::tsquery AND (m.created_at, m.id) < ($2, $3)
    AND ($4::text IS NULL OR m.channel_id = $4)
    AND ($5::text IS NULL
        OR $5 = (SELECT session_key FROM sessions WHERE sessions.id = m.session_id))
    ORDER BY m.created_at DESC, m.id DESC LIMIT $6"
);

// Counts on the server how far the bytes reach: the rows themselves may be many megabytes.
const TRANSCRIPT_TAIL: &str = "SELECT session_id, seq, run_id, kind, message_id, data FROM (
        SELECT *, SUM(octet_length(data)) OVER newest AS bytes, ROW_NUMBER() OVER newest AS place
        FROM (SELECT * FROM transcript WHERE session_id = $1 ORDER BY seq DESC LIMIT $2) AS tail
        WINDOW newest AS (ORDER BY seq DESC)
    ) AS counted WHERE bytes <= $3 OR place = 1 ORDER BY seq";
const TRANSCRIPT_AFTER: &str = "SELECT session_id, seq, run_id, kind, message_id, data
    FROM transcript WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const TRANSCRIPT_OF_RUN: &str = "SELECT session_id, seq, run_id, kind, message_id, data
    FROM transcript
    WHERE session_id = $1 AND run_id = $2 ORDER BY seq";

const EVENTS_AFTER: &str = "SELECT e.session_id, e.seq, e.topic, e.run_id, e.data,
    (m.id IS NOT NULL)::int::bigint, m.id, m.session_id, m.seq, m.channel_id, m.chat_id, m.thread_id, m.direction,
    m.content, m.metadata, m.reply_to, m.external_id, m.run_id, m.created_at, m.edited_at
    FROM events e LEFT JOIN messages m ON m.id = e.ref
    WHERE e.session_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    BY_ID,
    BEFORE,
    NEWEST,
    AFTER,
    BY_EXTERNAL_ID,
    SEARCH,
    TRANSCRIPT_TAIL,
    TRANSCRIPT_AFTER,
    TRANSCRIPT_OF_RUN,
    EVENTS_AFTER,
];

#[async_trait]
impl MessageReads for PostgresStorage {
    async fn message(&self, id: &MessageId) -> Read<Option<Message>> {
        self.optional(BY_ID, arguments![id], decode::message).await
    }

    async fn messages_before(
        &self,
        session: &SessionId,
        before: Option<i64>,
        limit: u32,
    ) -> Read<Vec<Message>> {
        let mut messages = match before {
            None => self.all(NEWEST, arguments![session, limit], decode::message).await?,
            Some(seq) => self.all(BEFORE, arguments![session, seq, limit], decode::message).await?,
        };
        messages.reverse();
        Ok(messages)
    }

    async fn messages_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<Message>> {
        self.all(AFTER, arguments![session, after, limit], decode::message).await
    }

    async fn search_messages(&self, query: &MessageQuery) -> Read<Page<Message>> {
        let wanted = Wanted::of(query);
        let (at, id) = query.start()?;
        if wanted.is_empty() {
            return Ok(query.page(Vec::new()));
        }
        // One more than asked for tells whether another page follows.
        let limit = query.page_size() as i64 + 1;
        let values = arguments![
            wanted.for_postgres(),
            at,
            id,
            query.channel_id.as_ref(),
            query.session_key.as_ref(),
            limit,
        ];
        Ok(query.page(self.all(SEARCH, values, decode::message).await?))
    }

    async fn message_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<Message>> {
        self.optional(BY_EXTERNAL_ID, arguments![channel, chat, external_id], decode::message).await
    }
}

#[async_trait]
impl TranscriptReads for PostgresStorage {
    async fn transcript_tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> Read<Vec<TranscriptRow>> {
        let max_bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
        let values = arguments![session, limit, max_bytes];
        self.all(TRANSCRIPT_TAIL, values, decode::transcript).await
    }

    async fn transcript_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<TranscriptRow>> {
        self.all(TRANSCRIPT_AFTER, arguments![session, after, limit], decode::transcript).await
    }

    async fn transcript_of_run(
        &self,
        session: &SessionId,
        run: &RunId,
    ) -> Read<Vec<TranscriptRow>> {
        self.all(TRANSCRIPT_OF_RUN, arguments![session, run], decode::transcript).await
    }
}

#[async_trait]
impl EventReads for PostgresStorage {
    async fn events_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<EventRow>> {
        self.all(EVENTS_AFTER, arguments![session, after, limit], decode::event).await
    }
}
