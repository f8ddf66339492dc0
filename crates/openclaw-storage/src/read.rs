mod memory;

use std::path::Path;

use async_trait::async_trait;
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, ExternalId, InboxId, JobId, Message, MessageId, OutboxId,
    RunId, Session, SessionId, SessionKey, Timestamp, UserId,
};
use tokio::sync::mpsc;

use crate::rows::{
    Backlog, EventRow, InboxRow, JobRow, JobRunRow, LeaseRow, MessageQuery, OutboxRow, Page,
    PairingRow, SessionQuery, TranscriptRow, UsageRow, UserRow,
};
use crate::{Applied, ApplyError, Batch, StorageError};

pub use self::memory::MemoryReads;

type Read<T> = Result<T, StorageError>;

/// A whole store. "Not found" is `Ok(None)`.
#[async_trait]
pub trait Storage:
    SessionReads
    + MessageReads
    + UserReads
    + ValueReads
    + InboxReads
    + OutboxReads
    + TranscriptReads
    + EventReads
    + PairingReads
    + LeaseReads
    + MemoryReads
    + JobReads
    + std::fmt::Debug
{
    /// Commits a batch: all of it or nothing. Cancelling the future does not undo a commit.
    ///
    /// # Errors
    /// A [`crate::Conflict`] when a precondition does not hold, else a [`StorageError`].
    async fn apply(&self, batch: Batch) -> Result<Applied, ApplyError>;

    /// Asks the engine whether it works: one cheap query.
    async fn health(&self) -> Read<StorageHealth>;

    /// Checks the engine's own integrity; slow. The findings are sentences; none means sound.
    async fn integrity(&self) -> Read<Vec<String>>;

    /// Gives out everything as lines of JSON ([`crate::archive`]), of one moment, while others go on.
    /// Answers how many rows there are.
    async fn export(&self, lines: mpsc::Sender<String>) -> Read<u64>;

    /// Writes everything of one moment into a file that appears when it is complete.
    async fn back_up(&self, file: &Path) -> Read<()>;

    /// How many bytes what is stored takes, without the room that deletions left.
    async fn stored_bytes(&self) -> Read<u64>;

    /// Whether other gateways may work on the same store.
    fn is_shared(&self) -> bool;

    /// Commits what waits and closes; later calls answer [`StorageError::Closed`].
    async fn close(&self);
}

/// What the engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageHealth {
    /// `sqlite`, `memory`, …
    pub engine: &'static str,
    /// The engine's version.
    pub version: String,
    /// The schema's version.
    pub schema: i64,
    /// The size in bytes; 0 where it is not known.
    pub size_bytes: u64,
}

/// Reads of sessions.
#[async_trait]
pub trait SessionReads: Send + Sync {
    /// The session of this id, ended ones included.
    async fn session(&self, id: &SessionId) -> Read<Option<Session>>;
    /// The live session of this key.
    async fn session_by_key(&self, key: &SessionKey) -> Read<Option<Session>>;
    /// Live sessions, latest activity first.
    async fn list_sessions(&self, query: &SessionQuery) -> Read<Page<Session>>;
    /// Sessions without open inputs whose last activity was before this, ended ones too, the longest
    /// quiet first; at most `limit`.
    async fn quiet_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<Session>>;
    /// How many sessions live.
    async fn count_sessions(&self) -> Read<u64>;
}

/// Reads of messages.
#[async_trait]
pub trait MessageReads: Send + Sync {
    /// The message of this id.
    async fn message(&self, id: &MessageId) -> Read<Option<Message>>;
    /// The newest `limit` messages with `seq` below `before` (all when `None`), oldest first.
    async fn messages_before(
        &self,
        session: &SessionId,
        before: Option<i64>,
        limit: u32,
    ) -> Read<Vec<Message>>;
    /// The first `limit` messages with `seq` above `after`, oldest first.
    async fn messages_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<Message>>;
    /// Messages with certain words, newest first.
    async fn search_messages(&self, query: &MessageQuery) -> Read<Page<Message>>;
    /// The message with this id of the service.
    async fn message_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<Message>>;
}

/// Reads of users.
#[async_trait]
pub trait UserReads: Send + Sync {
    /// The user as this channel knows them.
    async fn user(&self, channel: &ChannelId, user: &UserId) -> Read<Option<UserRow>>;
}

/// Reads of values the gateway keeps for itself.
#[async_trait]
pub trait ValueReads: Send + Sync {
    /// The value of this key.
    async fn value(&self, key: &str) -> Read<Option<String>>;
    /// All values whose key begins so, by key.
    async fn values(&self, prefix: &str) -> Read<Vec<(String, String)>>;
}

/// Reads of inputs.
#[async_trait]
pub trait InboxReads: Send + Sync {
    /// The input of this id.
    async fn input(&self, id: &InboxId) -> Read<Option<InboxRow>>;
    /// The input that started this run.
    async fn input_by_run(&self, run: &RunId) -> Read<Option<InboxRow>>;
    /// The input with this id of the service.
    async fn input_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<InboxRow>>;
    /// Inputs of a session key that have not ended, in order; at most `limit`.
    async fn open_inputs(&self, key: &SessionKey, limit: u32) -> Read<Vec<InboxRow>>;
    /// Session keys that have inputs which have not ended, by their first input's position.
    async fn keys_with_open_inputs(&self) -> Read<Vec<SessionKey>>;
    /// Session keys with inputs that have not ended on which no other gateway works, by their first
    /// input's position: `owner` holds the lease, or it has run out, or nobody holds it and the
    /// first input was accepted before `since`.
    async fn unattended_keys(&self, owner: &str, since: Timestamp) -> Read<Vec<SessionKey>>;
    /// The newest inputs, open ones first; of one session key where given.
    async fn recent_inputs(&self, key: Option<&SessionKey>, limit: u32) -> Read<Vec<InboxRow>>;
    /// Counts of what has not ended or ended badly.
    async fn backlog(&self) -> Read<Backlog>;
    /// What inputs used, newest first: those accepted before this position, or all.
    async fn usage_before(&self, position: Option<i64>, limit: u32) -> Read<Vec<UsageRow>>;
}

/// Reads of outbound rows.
#[async_trait]
pub trait OutboxReads: Send + Sync {
    /// The row of this id.
    async fn outbox(&self, id: &OutboxId) -> Read<Option<OutboxRow>>;
    /// The row made with this key by `message.send`.
    async fn outbox_by_idempotency_key(&self, key: &str) -> Read<Option<OutboxRow>>;
    /// The conversations that have rows which have not ended, by their first such row's position.
    async fn open_conversations(&self) -> Read<Vec<(ChannelId, ChatAddress)>>;
    /// The rows of a conversation that have not ended, in order; at most `limit`.
    async fn open_outbox(
        &self,
        channel: &ChannelId,
        chat: &ChatAddress,
        limit: u32,
    ) -> Read<Vec<OutboxRow>>;
    /// The rows of a run, in order.
    async fn outbox_of_run(&self, run: &RunId) -> Read<Vec<OutboxRow>>;
    /// The newest rows that ended unknown or failed.
    async fn troubled_outbox(&self, limit: u32) -> Read<Vec<OutboxRow>>;
}

/// Reads of what the model saw.
#[async_trait]
pub trait TranscriptReads: Send + Sync {
    /// The newest entries whose JSON together is at most `max_bytes` (but at least one), at most
    /// `limit`, oldest first.
    async fn transcript_tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> Read<Vec<TranscriptRow>>;
    /// The entries with `seq` above `after`, oldest first, at most `limit`.
    async fn transcript_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<TranscriptRow>>;
    /// The newest entry of kind `compaction` with `seq` below `before`.
    async fn compaction_before(
        &self,
        session: &SessionId,
        before: i64,
    ) -> Read<Option<TranscriptRow>>;

    /// The entries of one run, oldest first.
    async fn transcript_of_run(&self, session: &SessionId, run: &RunId)
    -> Read<Vec<TranscriptRow>>;
}

/// Reads of stored events.
#[async_trait]
pub trait EventReads: Send + Sync {
    /// Events with `seq` above `after`, oldest first, at most `limit`.
    async fn events_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<EventRow>>;
}

/// Reads of pairings.
#[async_trait]
pub trait PairingReads: Send + Sync {
    /// The person as this channel knows them.
    async fn pairing(&self, channel: &ChannelId, user: &UserId) -> Read<Option<PairingRow>>;
    /// The pending request with this code that has not expired at `now`.
    async fn pairing_by_code(&self, code: &str, now: Timestamp) -> Read<Option<PairingRow>>;
    /// All requests and approved people, of one channel where given, oldest first.
    async fn pairings(&self, channel: Option<&ChannelId>) -> Read<Vec<PairingRow>>;
}

/// Reads of leases.
#[async_trait]
pub trait LeaseReads: Send + Sync {
    /// The lease on this resource, run out or not.
    async fn lease(&self, resource: &str) -> Read<Option<LeaseRow>>;
}

/// Reads of jobs and of the receipts of their runs.
#[async_trait]
pub trait JobReads: Send + Sync {
    /// The job of this id.
    async fn job(&self, id: &JobId) -> Read<Option<JobRow>>;
    /// All jobs, the oldest first; at most `limit`.
    async fn jobs(&self, limit: u32) -> Read<Vec<JobRow>>;
    /// Jobs that have to be looked at by now, the longest due first; at most `limit`.
    async fn due_jobs(&self, now: Timestamp, limit: u32) -> Read<Vec<JobRow>>;
    /// When the first job after this moment has to be looked at.
    async fn next_due_job(&self, after: Timestamp) -> Read<Option<Timestamp>>;
    /// The receipt of a moment.
    async fn job_run(&self, id: &JobId, slot: Timestamp) -> Read<Option<JobRunRow>>;
    /// The newest receipts of a job, newest first; at most `limit`.
    async fn job_runs(&self, id: &JobId, limit: u32) -> Read<Vec<JobRunRow>>;
    /// Runs that have not ended, oldest first; at most `limit`.
    async fn open_job_runs(&self, limit: u32) -> Read<Vec<JobRunRow>>;
    /// Runs that ended before this and whose own session is kept, oldest first; at most `limit`.
    async fn job_runs_with_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<JobRunRow>>;
}
