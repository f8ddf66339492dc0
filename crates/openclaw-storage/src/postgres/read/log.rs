//! Messages, transcript and events.

use crate::sql::read::{LogSql, message, message_of_m};

pub(super) const LOG: LogSql = LogSql {
    by_id: BY_ID,
    before: BEFORE,
    newest: NEWEST,
    after: AFTER,
    by_external_id: BY_EXTERNAL_ID,
    search: SEARCH,
    transcript_tail: TRANSCRIPT_TAIL,
    transcript_after: TRANSCRIPT_AFTER,
    compaction_before: COMPACTION_BEFORE,
    transcript_of_run: TRANSCRIPT_OF_RUN,
    events_after: EVENTS_AFTER,
};

const BY_ID: &str = concat!("SELECT ", message!(), " FROM messages WHERE id = $1");
const BEFORE: &str = concat!(
    "SELECT ",
    message!(),
    " FROM messages WHERE session_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
);
const NEWEST: &str = concat!(
    "SELECT ",
    message!(),
    " FROM messages WHERE session_id = $1 ORDER BY seq DESC LIMIT $2"
);
const AFTER: &str = concat!(
    "SELECT ",
    message!(),
    " FROM messages WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
);
const BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    message!(),
    " FROM messages
    WHERE channel_id = $1 AND chat_id = $2 AND external_id = $3
    ORDER BY created_at DESC, id DESC LIMIT 1"
);

const SEARCH: &str = concat!(
    "SELECT ",
    message_of_m!(),
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
const COMPACTION_BEFORE: &str = "SELECT session_id, seq, run_id, kind, message_id, data
    FROM transcript WHERE session_id = $1 AND seq < $2 AND kind = 'compaction'
    ORDER BY seq DESC LIMIT 1";
const TRANSCRIPT_OF_RUN: &str = "SELECT session_id, seq, run_id, kind, message_id, data
    FROM transcript
    WHERE session_id = $1 AND run_id = $2 ORDER BY seq";

const EVENTS_AFTER: &str = "SELECT e.session_id, e.seq, e.topic, e.run_id, e.data,
    (m.id IS NOT NULL)::int::bigint, m.id, m.session_id, m.seq, m.channel_id, m.chat_id, m.thread_id, m.direction,
    m.content, m.metadata, m.reply_to, m.external_id, m.run_id, m.created_at, m.edited_at
    FROM events e LEFT JOIN messages m ON m.id = e.ref
    WHERE e.session_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3";
