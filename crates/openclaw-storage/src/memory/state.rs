use std::cmp::Reverse;

use openclaw_core::{
    AgentId, ChannelId, ChatAddress, ChatId, ExternalId, InboxId, JobId, Message, MessageId,
    OutboxId, RunId, Session, SessionId, SessionKey, Timestamp, UserId,
};
use serde_json::Value;

use super::searchable::{FileKey, StoredChunk};
use super::table::Table;
use crate::rows::{
    Backlog, InboxRow, JobRow, JobRunRow, LeaseRow, MemoryFileRow, MemoryVector, OutboxRow,
    PairingRow, TranscriptRow, UserRow,
};

/// A stored event; its message is joined when it is read.
#[derive(Debug, Clone)]
pub(super) struct StoredEvent {
    pub(super) topic: &'static str,
    pub(super) run_id: Option<RunId>,
    pub(super) message_id: Option<MessageId>,
    pub(super) data: Option<Value>,
}

/// The order of [`crate::SessionReads::list_sessions`].
pub(super) type Activity = (Reverse<Timestamp>, Reverse<SessionId>);

macro_rules! state {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $value:ty,)*) => {
        /// All tables and the indexes on them. Every change is taken back by `roll_back` until `commit`.
        #[derive(Debug, Clone, Default)]
        pub(super) struct State {
            $($(#[$doc])* pub(super) $name: Table<$key, $value>,)*
            pub(super) backlog: Backlog,
            backlog_before: Backlog,
        }

        impl State {
            pub(super) fn commit(&mut self) {
                $(self.$name.commit();)*
                self.backlog_before = self.backlog;
            }

            pub(super) fn roll_back(&mut self) {
                $(self.$name.roll_back();)*
                self.backlog = self.backlog_before;
            }
        }
    };
}

state! {
    sessions: SessionId => Session,
    live_keys: SessionKey => SessionId,
    live_activity: Activity => (),
    messages: MessageId => Message,
    message_log: (SessionId, i64) => MessageId,
    message_externals: (ChannelId, ChatId, ExternalId, MessageId) => (),
    transcript: (SessionId, i64) => TranscriptRow,
    transcript_runs: (RunId, SessionId, i64) => (),
    events: (SessionId, i64) => StoredEvent,
    users: (ChannelId, UserId) => UserRow,
    values: String => String,
    inputs: i64 => InboxRow,
    input_ids: InboxId => i64,
    input_runs: RunId => i64,
    input_externals: (ChannelId, ChatId, ExternalId) => i64,
    inputs_of_key: (SessionKey, i64) => (),
    open_inputs: (SessionKey, i64) => (),
    outbox: i64 => OutboxRow,
    outbox_ids: OutboxId => i64,
    outbox_keys: String => i64,
    outbox_runs: (RunId, i64) => (),
    outbox_sessions: (SessionId, i64) => (),
    open_outbox: (ChannelId, ChatAddress, i64) => (),
    pairings: (ChannelId, UserId) => PairingRow,
    leases: String => LeaseRow,
    memory_files: FileKey => MemoryFileRow,
    memory_chunks: (FileKey, u32) => StoredChunk,
    memory_vectors: (AgentId, String, i64) => MemoryVector,
    memory_hashes: (AgentId, String, String) => i64,
    last_vector: () => i64,
    jobs: JobId => JobRow,
    job_runs: (JobId, Timestamp) => JobRunRow,
}

/// All keys of one group in a table keyed by (group, position).
pub(super) fn all_of<G: Clone>(group: &G) -> std::ops::RangeInclusive<(G, i64)> {
    (group.clone(), i64::MIN)..=(group.clone(), i64::MAX)
}
