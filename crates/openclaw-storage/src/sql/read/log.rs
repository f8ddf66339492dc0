//! Messages, transcript and events.

use async_trait::async_trait;
use openclaw_core::{ChannelId, ChatId, ExternalId, Message, MessageId, RunId, SessionId};

use super::Pace::{Quick, Slow};
use super::{Read, SqlReads, statements};
use crate::rows::{EventRow, MessageQuery, Page, TranscriptRow};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::words::Wanted;
use crate::{EventReads, MessageReads, TranscriptReads};

statements! {
    LogSql {
        by_id,
        before,
        newest,
        after,
        by_external_id,
        search,
        transcript_tail,
        transcript_after,
        compaction_before,
        transcript_of_run,
        events_after,
    }
}

#[async_trait]
impl<E: SqlReads> MessageReads for E {
    async fn message(&self, id: &MessageId) -> Read<Option<Message>> {
        self.row(E::SQL.log.by_id, arguments![id].into(), decode::message).await
    }

    async fn messages_before(
        &self,
        session: &SessionId,
        before: Option<i64>,
        limit: u32,
    ) -> Read<Vec<Message>> {
        let (sql, values) = match before {
            None => (E::SQL.log.newest, arguments![session, limit].to_vec()),
            Some(seq) => (E::SQL.log.before, arguments![session, seq, limit].to_vec()),
        };
        let mut messages = self.rows(Quick, sql, values, decode::message).await?;
        messages.reverse();
        Ok(messages)
    }

    async fn messages_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<Message>> {
        let values = arguments![session, after, limit];
        self.rows(Quick, E::SQL.log.after, values.into(), decode::message).await
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
            self.words(&wanted).await?,
            at,
            id,
            query.channel_id.as_ref(),
            query.session_key.as_ref(),
            limit,
        ];
        let found = self.rows(Slow, E::SQL.log.search, values.into(), decode::message).await?;
        Ok(query.page(found))
    }

    async fn message_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<Message>> {
        let values = arguments![channel, chat, external_id];
        self.row(E::SQL.log.by_external_id, values.into(), decode::message).await
    }
}

#[async_trait]
impl<E: SqlReads> TranscriptReads for E {
    async fn transcript_tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> Read<Vec<TranscriptRow>> {
        self.tail(session, limit, max_bytes).await
    }

    async fn transcript_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<TranscriptRow>> {
        let values = arguments![session, after, limit];
        self.rows(Quick, E::SQL.log.transcript_after, values.into(), decode::transcript).await
    }

    async fn compaction_before(
        &self,
        session: &SessionId,
        before: i64,
    ) -> Read<Option<TranscriptRow>> {
        let values = arguments![session, before];
        self.row(E::SQL.log.compaction_before, values.into(), decode::transcript).await
    }

    async fn transcript_of_run(
        &self,
        session: &SessionId,
        run: &RunId,
    ) -> Read<Vec<TranscriptRow>> {
        let values = arguments![session, run];
        self.rows(Quick, E::SQL.log.transcript_of_run, values.into(), decode::transcript).await
    }
}

#[async_trait]
impl<E: SqlReads> EventReads for E {
    async fn events_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<EventRow>> {
        let values = arguments![session, after, limit];
        self.rows(Quick, E::SQL.log.events_after, values.into(), decode::event).await
    }
}
