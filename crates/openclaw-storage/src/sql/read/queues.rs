//! The inbox and the outbox.

use async_trait::async_trait;
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, ExternalId, InboxId, OutboxId, RunId, SessionKey, Timestamp,
};

use super::Pace::Quick;
use super::{Read, SqlReads, statements};
use crate::rows::{Backlog, InboxRow, OutboxRow, UsageRow};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::{InboxReads, OutboxReads};

statements! {
    QueueSql {
        input,
        input_by_run,
        input_by_external_id,
        open_inputs,
        open_keys,
        unattended_keys,
        recent_inputs,
        recent_inputs_of_key,
        usage,
        outbox,
        outbox_by_key,
        open_conversations,
        open_outbox,
        outbox_of_run,
        troubled,
    }
}

#[async_trait]
impl<E: SqlReads> InboxReads for E {
    async fn input(&self, id: &InboxId) -> Read<Option<InboxRow>> {
        self.row(E::SQL.queues.input, arguments![id].into(), decode::input).await
    }

    async fn input_by_run(&self, run: &RunId) -> Read<Option<InboxRow>> {
        self.row(E::SQL.queues.input_by_run, arguments![run].into(), decode::input).await
    }

    async fn input_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<InboxRow>> {
        let values = arguments![channel, chat, external_id];
        self.row(E::SQL.queues.input_by_external_id, values.into(), decode::input).await
    }

    async fn open_inputs(&self, key: &SessionKey, limit: u32) -> Read<Vec<InboxRow>> {
        let values = arguments![key, limit];
        self.rows(Quick, E::SQL.queues.open_inputs, values.into(), decode::input).await
    }

    async fn keys_with_open_inputs(&self) -> Read<Vec<SessionKey>> {
        self.rows(Quick, E::SQL.queues.open_keys, Vec::new(), decode::session_key).await
    }

    async fn unattended_keys(&self, owner: &str, since: Timestamp) -> Read<Vec<SessionKey>> {
        let values = arguments![owner, since, self.lease_now()];
        self.rows(Quick, E::SQL.queues.unattended_keys, values.into(), decode::session_key).await
    }

    async fn recent_inputs(&self, key: Option<&SessionKey>, limit: u32) -> Read<Vec<InboxRow>> {
        let (sql, values) = match key {
            None => (E::SQL.queues.recent_inputs, arguments![limit].to_vec()),
            Some(key) => (E::SQL.queues.recent_inputs_of_key, arguments![limit, key].to_vec()),
        };
        self.rows(Quick, sql, values, decode::input).await
    }

    async fn backlog(&self) -> Read<Backlog> {
        self.counted().await
    }

    async fn usage_before(&self, position: Option<i64>, limit: u32) -> Read<Vec<UsageRow>> {
        let values = arguments![position.unwrap_or(i64::MAX), limit];
        self.rows(Quick, E::SQL.queues.usage, values.into(), decode::usage).await
    }
}

#[async_trait]
impl<E: SqlReads> OutboxReads for E {
    async fn outbox(&self, id: &OutboxId) -> Read<Option<OutboxRow>> {
        self.row(E::SQL.queues.outbox, arguments![id].into(), decode::outbox).await
    }

    async fn outbox_by_idempotency_key(&self, key: &str) -> Read<Option<OutboxRow>> {
        self.row(E::SQL.queues.outbox_by_key, arguments![key].into(), decode::outbox).await
    }

    async fn open_conversations(&self) -> Read<Vec<(ChannelId, ChatAddress)>> {
        let sql = E::SQL.queues.open_conversations;
        self.rows(Quick, sql, Vec::new(), decode::conversation).await
    }

    async fn open_outbox(
        &self,
        channel: &ChannelId,
        chat: &ChatAddress,
        limit: u32,
    ) -> Read<Vec<OutboxRow>> {
        let values = arguments![channel, &chat.chat_id, chat.thread_id.as_ref(), limit];
        self.rows(Quick, E::SQL.queues.open_outbox, values.into(), decode::outbox).await
    }

    async fn outbox_of_run(&self, run: &RunId) -> Read<Vec<OutboxRow>> {
        self.rows(Quick, E::SQL.queues.outbox_of_run, arguments![run].into(), decode::outbox).await
    }

    async fn troubled_outbox(&self, limit: u32) -> Read<Vec<OutboxRow>> {
        self.rows(Quick, E::SQL.queues.troubled, arguments![limit].into(), decode::outbox).await
    }
}
