use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{
    AgentId, ChannelId, ChatAddress, ChatId, ExternalId, InboxId, JobId, Message, MessageId,
    OutboxId, Rng as _, RunId, Session, SessionId, SessionKey, Timestamp, UserId,
};
use openclaw_gateway::lifecycle::CommitFan;
use openclaw_storage::memory::MemoryStorage;
use openclaw_storage::rows::{
    Backlog, EventRow, InboxRow, JobRow, JobRunRow, LeaseRow, MemoryChunkRow, MemoryCounts,
    MemoryFileRow, MemorySource, MemoryVectorRow, MemoryWordCounts, MessageQuery, OutboxRow, Page,
    PairingRow, SessionQuery, TranscriptRow, UsageRow, UserRow,
};
use openclaw_storage::{
    Applied, ApplyError, Batch, CommitObserver, Committed, Conflict, EventReads, InboxReads,
    JobReads, LeaseReads, MemoryReads, MessageReads, OutboxReads, PairingReads, SessionReads,
    Storage, StorageError, StorageHealth, TranscriptReads, UserReads, ValueReads,
};
use openclaw_testkit::SeededRng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::sabotage::{Missing, as_another_event};
use crate::world::Trace;

/// More rows than there are.
const ALL: u32 = 10_000;

/// Tells each gateway of its own commits, and nobody of another's: theirs are different processes.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    fans: Mutex<Vec<Arc<CommitFan>>>,
    speaker: AtomicUsize,
}

impl Ears {
    /// Listens to one more gateway; gives its number.
    fn add(&self, fan: Arc<CommitFan>) -> usize {
        let mut fans = self.fans.lock().expect("not poisoned");
        fans.push(fan);
        fans.len() - 1
    }
}

impl CommitObserver for Ears {
    fn committed(&self, committed: Committed) {
        let speaker = self.speaker.load(Ordering::SeqCst);
        let fan = self.fans.lock().expect("not poisoned").get(speaker).cloned();
        if let Some(fan) = fan {
            fan.committed(committed);
        }
    }
}

/// The way from a gateway to the store. Now and then nothing passes for longer than a lease lasts.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) rng: SeededRng,
    pub(crate) trace: Arc<Trace>,
    /// Whether another gateway has a way there, too.
    pub(crate) is_shared: bool,
    /// Of so many calls one finds it stuck; `None` for a line that never is.
    pub(crate) stuck_one_in: Option<u64>,
    pub(crate) stuck_until: Mutex<Option<Instant>>,
}

impl Line {
    fn wait(&self) -> Option<Instant> {
        let mut stuck = self.stuck_until.lock().expect("not poisoned");
        let now = Instant::now();
        if stuck.is_none_or(|until| until <= now) {
            *stuck = None;
            if self.stuck_one_in.is_some_and(|one_in| self.rng.below(one_in) == 0) {
                let pause = Duration::from_millis(8_000 + self.rng.below(40_000));
                self.trace.note(format!("a gateway cannot reach the store for {pause:?}"));
                *stuck = Some(now + pause);
            }
        }
        *stuck
    }

    async fn pass(&self) {
        while let Some(until) = self.wait() {
            sleep_until(until).await;
        }
    }
}

/// The store as one gateway sees it.
#[derive(Debug)]
pub(crate) struct Port {
    memory: Arc<MemoryStorage>,
    ears: Arc<Ears>,
    me: usize,
    missing: Missing,
    line: Line,
    copies: AtomicU64,
}

impl Port {
    pub(crate) fn new(
        memory: Arc<MemoryStorage>,
        ears: Arc<Ears>,
        fan: Arc<CommitFan>,
        missing: Missing,
        line: Line,
    ) -> Self {
        let me = ears.add(fan);
        Self { memory, ears, me, missing, line, copies: AtomicU64::new(1) }
    }

    /// Lets nothing pass for so long.
    pub(crate) fn hold(&self, pause: Duration) {
        *self.line.stuck_until.lock().expect("not poisoned") = Some(Instant::now() + pause);
    }

    /// Whether a call may still be on its way.
    pub(crate) fn is_stuck(&self) -> bool {
        let stuck = self.line.stuck_until.lock().expect("not poisoned");
        stuck.is_some_and(|until| until > Instant::now())
    }

    async fn commit(&self, batch: Batch) -> Result<Applied, ApplyError> {
        self.ears.speaker.store(self.me, Ordering::SeqCst);
        self.memory.apply(batch).await
    }
}

#[async_trait]
impl Storage for Port {
    async fn apply(&self, batch: Batch) -> Result<Applied, ApplyError> {
        self.line.pass().await;
        let batch = self.missing.taken(batch);
        let mut answer = self.commit(batch.clone()).await;
        if self.missing == Missing::Dedupe
            && matches!(answer, Err(ApplyError::Conflict(Conflict::DuplicateInput { .. })))
        {
            let number = self.copies.fetch_add(1, Ordering::SeqCst);
            answer = self.commit(as_another_event(&batch, number)).await;
        }
        // The answer is on its way, too.
        self.line.pass().await;
        answer
    }

    async fn health(&self) -> Result<StorageHealth, StorageError> {
        self.memory.health().await
    }

    async fn integrity(&self) -> Result<Vec<String>, StorageError> {
        self.memory.integrity().await
    }

    async fn export(&self, lines: mpsc::Sender<String>) -> Result<u64, StorageError> {
        self.memory.export(lines).await
    }

    async fn back_up(&self, file: &Path) -> Result<(), StorageError> {
        self.memory.back_up(file).await
    }

    async fn stored_bytes(&self) -> Result<u64, StorageError> {
        self.memory.stored_bytes().await
    }

    fn is_shared(&self) -> bool {
        self.line.is_shared
    }

    async fn close(&self) {
        self.memory.close().await;
    }
}

#[async_trait]
impl InboxReads for Port {
    async fn input(&self, id: &InboxId) -> Result<Option<InboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.input(id).await
    }

    async fn input_by_run(&self, run: &RunId) -> Result<Option<InboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.input_by_run(run).await
    }

    async fn input_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Result<Option<InboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.input_by_external_id(channel, chat, external_id).await
    }

    async fn open_inputs(
        &self,
        key: &SessionKey,
        limit: u32,
    ) -> Result<Vec<InboxRow>, StorageError> {
        self.line.pass().await;
        Ok(self.missing.handed_out(self.memory.open_inputs(key, ALL).await?, limit))
    }

    async fn keys_with_open_inputs(&self) -> Result<Vec<SessionKey>, StorageError> {
        self.line.pass().await;
        match self.missing {
            Missing::Resume => Ok(Vec::new()),
            _ => self.memory.keys_with_open_inputs().await,
        }
    }

    async fn unattended_keys(
        &self,
        owner: &str,
        since: Timestamp,
    ) -> Result<Vec<SessionKey>, StorageError> {
        self.line.pass().await;
        match self.missing {
            Missing::Resume => Ok(Vec::new()),
            _ => self.memory.unattended_keys(owner, since).await,
        }
    }

    async fn recent_inputs(
        &self,
        key: Option<&SessionKey>,
        limit: u32,
    ) -> Result<Vec<InboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.recent_inputs(key, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, StorageError> {
        self.line.pass().await;
        self.memory.backlog().await
    }

    async fn usage_before(
        &self,
        position: Option<i64>,
        limit: u32,
    ) -> Result<Vec<UsageRow>, StorageError> {
        self.line.pass().await;
        self.memory.usage_before(position, limit).await
    }
}

#[async_trait]
impl OutboxReads for Port {
    async fn outbox(&self, id: &OutboxId) -> Result<Option<OutboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.outbox(id).await
    }

    async fn outbox_by_idempotency_key(
        &self,
        key: &str,
    ) -> Result<Option<OutboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.outbox_by_idempotency_key(key).await
    }

    async fn open_conversations(&self) -> Result<Vec<(ChannelId, ChatAddress)>, StorageError> {
        self.line.pass().await;
        self.memory.open_conversations().await
    }

    async fn open_outbox(
        &self,
        channel: &ChannelId,
        chat: &ChatAddress,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StorageError> {
        self.line.pass().await;
        Ok(self.missing.handed_out(self.memory.open_outbox(channel, chat, ALL).await?, limit))
    }

    async fn outbox_of_run(&self, run: &RunId) -> Result<Vec<OutboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.outbox_of_run(run).await
    }

    async fn troubled_outbox(&self, limit: u32) -> Result<Vec<OutboxRow>, StorageError> {
        self.line.pass().await;
        self.memory.troubled_outbox(limit).await
    }
}

/// Reads that only have to get through.
macro_rules! passed_on {
    ($($noun:ident { $(fn $name:ident($($argument:ident: $type:ty),*) -> $rows:ty;)* })*) => {$(
        #[async_trait]
        impl $noun for Port {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$rows, StorageError> {
                self.line.pass().await;
                self.memory.$name($($argument),*).await
            })*
        }
    )*};
}

passed_on! {
    SessionReads {
        fn session(id: &SessionId) -> Option<Session>;
        fn session_by_key(key: &SessionKey) -> Option<Session>;
        fn list_sessions(query: &SessionQuery) -> Page<Session>;
        fn quiet_sessions(before: Timestamp, limit: u32) -> Vec<Session>;
        fn count_sessions() -> u64;
    }
    MessageReads {
        fn message(id: &MessageId) -> Option<Message>;
        fn messages_before(session: &SessionId, before: Option<i64>, limit: u32) -> Vec<Message>;
        fn messages_after(session: &SessionId, after: i64, limit: u32) -> Vec<Message>;
        fn search_messages(query: &MessageQuery) -> Page<Message>;
        fn message_by_external_id(channel: &ChannelId, chat: &ChatId, id: &ExternalId) -> Option<Message>;
    }
    UserReads {
        fn user(channel: &ChannelId, user: &UserId) -> Option<UserRow>;
    }
    ValueReads {
        fn value(key: &str) -> Option<String>;
        fn values(prefix: &str) -> Vec<(String, String)>;
    }
    TranscriptReads {
        fn transcript_tail(session: &SessionId, limit: u32, max_bytes: u64) -> Vec<TranscriptRow>;
        fn transcript_after(session: &SessionId, after: i64, limit: u32) -> Vec<TranscriptRow>;
        fn compaction_before(session: &SessionId, before: i64) -> Option<TranscriptRow>;
        fn transcript_of_run(session: &SessionId, run: &RunId) -> Vec<TranscriptRow>;
    }
    EventReads {
        fn events_after(session: &SessionId, after: i64, limit: u32) -> Vec<EventRow>;
    }
    PairingReads {
        fn pairing(channel: &ChannelId, user: &UserId) -> Option<PairingRow>;
        fn pairing_by_code(code: &str, now: Timestamp) -> Option<PairingRow>;
        fn pairings(channel: Option<&ChannelId>) -> Vec<PairingRow>;
    }
    JobReads {
        fn job(id: &JobId) -> Option<JobRow>;
        fn jobs(limit: u32) -> Vec<JobRow>;
        fn due_jobs(now: Timestamp, limit: u32) -> Vec<JobRow>;
        fn next_due_job(after: Timestamp) -> Option<Timestamp>;
        fn job_run(id: &JobId, slot: Timestamp) -> Option<JobRunRow>;
        fn job_runs(id: &JobId, limit: u32) -> Vec<JobRunRow>;
        fn open_job_runs(limit: u32) -> Vec<JobRunRow>;
        fn job_runs_with_sessions(before: Timestamp, limit: u32) -> Vec<JobRunRow>;
    }
    LeaseReads {
        fn lease(resource: &str) -> Option<LeaseRow>;
    }
    MemoryReads {
        fn memory_files(agent: &AgentId, source: MemorySource) -> Vec<MemoryFileRow>;
        fn unindexed_sessions(agent: &AgentId, after: Option<&SessionId>, limit: u32) -> Vec<(Session, u64)>;
        fn last_memory_chunk(agent: &AgentId, source: MemorySource, path: &str) -> Option<MemoryChunkRow>;
        fn memory_word_counts(agent: &AgentId, stems: &[String]) -> MemoryWordCounts;
        fn memory_matches(agent: &AgentId, stems: &[String], limit: u32) -> Vec<MemoryChunkRow>;
        fn memory_chunks_of(agent: &AgentId, hashes: &[String]) -> Vec<MemoryChunkRow>;
        fn texts_without_vector(agent: &AgentId, model: &str, after: Option<&str>, limit: u32) -> Vec<(String, String)>;
        fn memory_vectors_after(agent: &AgentId, model: &str, after: i64, limit: u32) -> Vec<MemoryVectorRow>;
        fn memory_counts(agent: &AgentId, model: &str) -> MemoryCounts;
    }
}
