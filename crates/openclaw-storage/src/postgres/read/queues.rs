//! The inbox and the outbox.

use async_trait::async_trait;
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, ExternalId, InboxId, OutboxId, RunId, SessionKey, Timestamp,
};

use super::Read;
use crate::postgres::PostgresStorage;
use crate::rows::{Backlog, InboxRow, OutboxRow};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::{InboxReads, OutboxReads};

macro_rules! input {
    () => {
        "id, position, run_id, principal, session_id, session_key, message_id, inbound, options, \
         reply_back, state, status, merged_into, delivered, reply, usage, error, attempts, owner, \
         lease_until, fence, created_at, started_at, ended_at"
    };
}

macro_rules! outbox {
    () => {
        "id, position, channel_id, chat_id, thread_id, session_id, session_key, run_id, \
         message_id, kind, chunk, outbound, state, attempts, uncertain, next_attempt_at, receipt, \
         error, principal, idempotency_key, owner, lease_until, fence, created_at, updated_at"
    };
}

const INPUT: &str = concat!("SELECT ", input!(), " FROM inbox WHERE id = $1");
const INPUT_BY_RUN: &str = concat!("SELECT ", input!(), " FROM inbox WHERE run_id = $1");
const INPUT_BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    input!(),
    " FROM inbox WHERE channel_id = $1 AND chat_id = $2 AND external_id = $3"
);
const OPEN_INPUTS: &str = concat!(
    "SELECT ",
    input!(),
    " FROM inbox WHERE session_key = $1 AND ended_at IS NULL
    ORDER BY position LIMIT $2"
);
const OPEN_KEYS: &str = "SELECT session_key FROM inbox
    WHERE ended_at IS NULL GROUP BY session_key ORDER BY MIN(position)";
const UNATTENDED_KEYS: &str = "SELECT session_key FROM inbox
    WHERE ended_at IS NULL GROUP BY session_key
    HAVING COALESCE((SELECT CASE WHEN owner = $1 THEN 1 WHEN lease_until > COALESCE($3::bigint,
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint) THEN 0
        WHEN lease_until > 0 THEN 1 END FROM leases WHERE resource = 'lane:' || session_key),
        (MIN(created_at) < $2)::int) > 0
    ORDER BY MIN(position)";
const RECENT_INPUTS: &str = concat!(
    "SELECT * FROM ((SELECT ",
    input!(),
    " FROM inbox WHERE ended_at IS NULL ORDER BY position DESC LIMIT $1)
    UNION ALL (SELECT ",
    input!(),
    " FROM inbox WHERE ended_at IS NOT NULL ORDER BY position DESC LIMIT $1)) AS recent
    ORDER BY (ended_at IS NOT NULL), position DESC LIMIT $1"
);
const RECENT_INPUTS_OF_KEY: &str = concat!(
    "SELECT * FROM ((SELECT ",
    input!(),
    " FROM inbox WHERE session_key = $2 AND ended_at IS NULL ORDER BY position DESC LIMIT $1)
    UNION ALL (SELECT ",
    input!(),
    " FROM inbox WHERE session_key = $2 AND ended_at IS NOT NULL
    ORDER BY position DESC LIMIT $1)) AS recent
    ORDER BY (ended_at IS NOT NULL), position DESC LIMIT $1"
);
const BACKLOG: &str = "SELECT
    (SELECT COUNT(*) FROM inbox WHERE ended_at IS NULL),
    (SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'sending')),
    (SELECT COUNT(*) FROM outbox WHERE state IN ('unknown', 'failed') AND state = 'unknown'),
    (SELECT COUNT(*) FROM outbox WHERE state IN ('unknown', 'failed') AND state = 'failed'),
    (SELECT COALESCE(SUM(uncertain), 0)::bigint FROM outbox WHERE uncertain > 0)";

const OUTBOX: &str = concat!("SELECT ", outbox!(), " FROM outbox WHERE id = $1");
const OUTBOX_BY_KEY: &str =
    concat!("SELECT ", outbox!(), " FROM outbox WHERE idempotency_key = $1");
const OPEN_CONVERSATIONS: &str = "SELECT channel_id, chat_id, thread_id
    FROM outbox WHERE state IN ('pending', 'sending')
    GROUP BY channel_id, chat_id, thread_id ORDER BY MIN(position)";
const OPEN_OUTBOX: &str = concat!(
    "SELECT ",
    outbox!(),
    " FROM outbox WHERE state IN ('pending', 'sending')
    AND channel_id = $1 AND chat_id = $2 AND thread_id IS NOT DISTINCT FROM $3 ORDER BY position LIMIT $4"
);
const OUTBOX_OF_RUN: &str =
    concat!("SELECT ", outbox!(), " FROM outbox WHERE run_id = $1 ORDER BY position");
const TROUBLED: &str = concat!(
    "SELECT ",
    outbox!(),
    " FROM outbox WHERE state IN ('unknown', 'failed')
    ORDER BY position DESC LIMIT $1"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    INPUT,
    INPUT_BY_RUN,
    INPUT_BY_EXTERNAL_ID,
    OPEN_INPUTS,
    OPEN_KEYS,
    UNATTENDED_KEYS,
    RECENT_INPUTS,
    RECENT_INPUTS_OF_KEY,
    BACKLOG,
    OUTBOX,
    OUTBOX_BY_KEY,
    OPEN_CONVERSATIONS,
    OPEN_OUTBOX,
    OUTBOX_OF_RUN,
    TROUBLED,
];

#[async_trait]
impl InboxReads for PostgresStorage {
    async fn input(&self, id: &InboxId) -> Read<Option<InboxRow>> {
        self.optional(INPUT, arguments![id], decode::input).await
    }

    async fn input_by_run(&self, run: &RunId) -> Read<Option<InboxRow>> {
        self.optional(INPUT_BY_RUN, arguments![run], decode::input).await
    }

    async fn input_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<InboxRow>> {
        let values = arguments![channel, chat, external_id];
        self.optional(INPUT_BY_EXTERNAL_ID, values, decode::input).await
    }

    async fn open_inputs(&self, key: &SessionKey, limit: u32) -> Read<Vec<InboxRow>> {
        self.all(OPEN_INPUTS, arguments![key, limit], decode::input).await
    }

    async fn keys_with_open_inputs(&self) -> Read<Vec<SessionKey>> {
        self.all(OPEN_KEYS, [], decode::session_key).await
    }

    async fn unattended_keys(&self, owner: &str, since: Timestamp) -> Read<Vec<SessionKey>> {
        let values = arguments![owner, since, self.attempts.lease_now()];
        self.all(UNATTENDED_KEYS, values, decode::session_key).await
    }

    async fn recent_inputs(&self, key: Option<&SessionKey>, limit: u32) -> Read<Vec<InboxRow>> {
        match key {
            None => self.all(RECENT_INPUTS, arguments![limit], decode::input).await,
            Some(key) => {
                self.all(RECENT_INPUTS_OF_KEY, arguments![limit, key], decode::input).await
            }
        }
    }

    async fn backlog(&self) -> Read<Backlog> {
        let counted = self.optional(BACKLOG, [], decode::backlog).await?;
        Ok(counted.unwrap_or_default())
    }
}

#[async_trait]
impl OutboxReads for PostgresStorage {
    async fn outbox(&self, id: &OutboxId) -> Read<Option<OutboxRow>> {
        self.optional(OUTBOX, arguments![id], decode::outbox).await
    }

    async fn outbox_by_idempotency_key(&self, key: &str) -> Read<Option<OutboxRow>> {
        self.optional(OUTBOX_BY_KEY, arguments![key], decode::outbox).await
    }

    async fn open_conversations(&self) -> Read<Vec<(ChannelId, ChatAddress)>> {
        self.all(OPEN_CONVERSATIONS, [], decode::conversation).await
    }

    async fn open_outbox(
        &self,
        channel: &ChannelId,
        chat: &ChatAddress,
        limit: u32,
    ) -> Read<Vec<OutboxRow>> {
        let values = arguments![channel, &chat.chat_id, chat.thread_id.as_ref(), limit];
        self.all(OPEN_OUTBOX, values, decode::outbox).await
    }

    async fn outbox_of_run(&self, run: &RunId) -> Read<Vec<OutboxRow>> {
        self.all(OUTBOX_OF_RUN, arguments![run], decode::outbox).await
    }

    async fn troubled_outbox(&self, limit: u32) -> Read<Vec<OutboxRow>> {
        self.all(TROUBLED, arguments![limit], decode::outbox).await
    }
}
