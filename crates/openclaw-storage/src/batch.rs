mod memory;

use openclaw_core::{
    ChannelId, ChatAddress, ChatId, Direction, ExternalId, Inbound, InboxId, JobId, MessageContent,
    MessageId, Outbound, OutboxId, Receipt, RunId, RunStatus, Sender, Session, SessionConfig,
    SessionContext, SessionId, SessionKey, SessionState, Timestamp, Usage, UserId,
};
use serde_json::Value;
use std::time::Duration;

pub use self::memory::MemoryWrite;

use crate::rows::{
    InputState, JobRow, JobRunRow, LeaseRow, OutboxKind, OutboxState, RunOptions, StoredError,
    TranscriptKind, UserRow,
};

/// Writes that are committed together or not at all, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Leases that must still be held under these fences.
    pub fences: Vec<Fence>,
    /// The writes.
    pub writes: Vec<Write>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fence.
    #[must_use]
    pub fn fenced(mut self, fence: Fence) -> Self {
        self.fences.push(fence);
        self
    }

    /// Adds a write.
    #[must_use]
    pub fn with(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Whether there is nothing in it: applying it does nothing, and no observer hears of it.
    pub fn is_empty(&self) -> bool {
        self.fences.is_empty() && self.writes.is_empty()
    }

    /// Adds a write.
    pub fn push(&mut self, write: Write) {
        self.writes.push(write);
    }
}

/// A lease that a batch depends on; the batch is refused when another fence stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// `lane:<session key>` or `account:<channel id>`.
    pub resource: String,
    /// The gateway.
    pub owner: String,
    /// The fence that was given with the lease.
    pub fence: i64,
}

impl From<&LeaseRow> for Fence {
    fn from(lease: &LeaseRow) -> Self {
        Self { resource: lease.resource.clone(), owner: lease.owner.clone(), fence: lease.fence }
    }
}

/// One write. A closed set: what is not here cannot be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Creates a session. Conflict `SessionKeyTaken` when its key is live.
    CreateSession(Box<Session>),
    /// Changes a live session. Conflict `Missing`.
    UpdateSession {
        /// The session.
        id: SessionId,
        /// The changes.
        patch: SessionPatch,
    },
    /// Ends a session and frees its key. Conflict `Missing` when it is unknown; ended already is no error.
    EndSession {
        /// The session.
        id: SessionId,
        /// When.
        at: Timestamp,
    },
    /// Deletes a session with its messages, transcript, events, ended inbox and outbox rows.
    /// Conflict `Missing`; conflict `StateChanged` while inputs of it have not ended.
    DeleteSession {
        /// The session.
        id: SessionId,
    },
    /// Appends to a session: takes the next `seq` for the message, transcript entry and event in it.
    /// Conflict `Missing` when the session is unknown.
    Append(Box<LogEntry>),
    /// Changes the content of a stored message. Conflict `Missing`.
    EditMessage {
        /// The message.
        id: MessageId,
        /// The new content.
        content: MessageContent,
        /// When it was edited.
        edited_at: Timestamp,
    },
    /// Notes the service's id of a stored message. Conflict `Missing`.
    SetMessageExternalId {
        /// The message.
        id: MessageId,
        /// The service's id.
        external_id: ExternalId,
    },
    /// Stores an input. Conflicts `DuplicateInput` by (channel, chat, external id), `RunIdTaken`.
    AcceptInput(Box<NewInput>),
    /// Moves an input on. Conflict `StateChanged` unless it is in one of `from`.
    ChangeInput(Box<InputChange>),
    /// Replaces the event of an input that still waits. Conflict `StateChanged` otherwise.
    ReplaceInput {
        /// The input.
        id: InboxId,
        /// The event with its new content; its external id stays that of the first.
        inbound: Box<Inbound>,
    },
    /// Stores an outbound row. Conflict `IdempotencyKeyTaken`.
    Enqueue(Box<NewOutbox>),
    /// Moves an outbound row on. Conflict `StateChanged` unless it is in one of `from`.
    ChangeOutbox(Box<OutboxChange>),
    /// Rewrites the chat of all unsent rows of a chat that moved.
    MigrateChat {
        /// The channel account.
        channel_id: ChannelId,
        /// The old chat id.
        from: ChatId,
        /// The new chat id.
        to: ChatId,
    },
    /// Stores what a channel knows of a user; keeps `created_at` of the first time.
    UpsertUser(UserRow),
    /// Stores a value. With `expect`, conflict `ValueChanged` unless the present value equals it.
    PutValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The value that must stand there; `Some(None)` means none.
        expect: Option<Option<String>>,
    },
    /// Deletes a value; a missing one is no error.
    DeleteValue {
        /// The key.
        key: String,
    },
    /// Notes that an unknown person wrote: counts one more denial, and sets the code where none is
    /// pending or it has expired. An approved person is left as is.
    RequestPairing {
        /// The channel account.
        channel_id: ChannelId,
        /// The person.
        user_id: UserId,
        /// The display name.
        display_name: Option<String>,
        /// The code to use when one is needed.
        code: String,
        /// When that code stops working.
        expires_at: Timestamp,
        /// Now.
        at: Timestamp,
    },
    /// Approves a person; the code stops working. Conflict `Missing` when the person never asked.
    ApprovePairing {
        /// The channel account.
        channel_id: ChannelId,
        /// The person.
        user_id: UserId,
        /// Whether as an owner; `false` leaves an owner an owner.
        owner: bool,
        /// Now.
        at: Timestamp,
    },
    /// Removes a person; a missing one is no error.
    RemovePairing {
        /// The channel account.
        channel_id: ChannelId,
        /// The person.
        user_id: UserId,
    },
    /// Takes a lease: at once where none is held, it has run out, or `owner` holds it already; each
    /// time with the next fence. Conflict `LeaseHeld`.
    TakeLease {
        /// The resource.
        resource: String,
        /// The gateway.
        owner: String,
        /// For how long from now, by the database's clock.
        ttl: Duration,
    },
    /// Prolongs leases that an owner holds.
    RenewLeases {
        /// The gateway.
        owner: String,
        /// Which of them: each is renewed by who works under it, so that one that nobody works under
        /// runs out.
        leases: Leases,
        /// For how long from now.
        ttl: Duration,
    },
    /// Stores a job that is new where `expect` is `None`, else replaces the one that has this fence;
    /// its own fence and the time it was made are not written. Conflicts `StateChanged`, `Missing`.
    PutJob {
        /// The job.
        job: Box<JobRow>,
        /// The fence of the job that it was made from.
        expect: Option<i64>,
    },
    /// Deletes a job; its receipts stay. Conflict `Missing`.
    DeleteJob {
        /// The job.
        id: JobId,
    },
    /// Stores the receipt of a moment at which a job was due. Conflict `StateChanged` where there is
    /// one.
    StartJobRun(Box<JobRunRow>),
    /// Ends a run: status, data, session and end are those of this row. Conflict `StateChanged` where
    /// it has ended, `Missing`.
    EndJobRun(Box<JobRunRow>),
    /// Notes that the session of a run is not kept any more; a missing run is no error.
    ForgetJobSession {
        /// The job.
        job_id: JobId,
        /// The moment.
        slot: Timestamp,
    },
    /// Deletes receipts of runs that ended before this and whose sessions are gone.
    PruneJobRuns {
        /// The moment.
        before: Timestamp,
    },
    /// Gives a lease back; another holder's is left alone. The fence stays.
    ReleaseLease(Fence),
    /// Changes what an agent can search.
    Memory(MemoryWrite),
}

/// Which leases are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leases {
    /// That of one resource.
    Of(String),
    /// Those of all resources whose names begin so.
    Beginning(String),
}

impl Leases {
    /// The one resource.
    pub(crate) fn resource(&self) -> Option<&str> {
        match self {
            Self::Of(resource) => Some(resource),
            Self::Beginning(_) => None,
        }
    }

    /// How the resources begin.
    pub(crate) fn beginning(&self) -> Option<&str> {
        match self {
            Self::Of(_) => None,
            Self::Beginning(beginning) => Some(beginning),
        }
    }
}

/// What changes in a session; `None` leaves a value as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionPatch {
    /// The name; `Some(None)` clears it.
    pub label: Option<Option<String>>,
    /// All of its own settings.
    pub config: Option<SessionConfig>,
    /// Whether it is in use.
    pub state: Option<SessionState>,
    /// What it remembers about itself.
    pub context: Option<SessionContext>,
    /// When a message was last stored.
    pub last_activity_at: Option<Timestamp>,
    /// When this change was made.
    pub updated_at: Option<Timestamp>,
}

/// What one `seq` of a session holds.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The session.
    pub session_id: SessionId,
    /// Its key, for the event.
    pub session_key: SessionKey,
    /// The run.
    pub run_id: Option<RunId>,
    /// A message said.
    pub message: Option<NewMessage>,
    /// What the model saw.
    pub transcript: Option<TranscriptDraft>,
    /// What clients are told.
    pub event: Option<EventDraft>,
    /// Now.
    pub at: Timestamp,
}

/// A message to store; `session_id`, `seq`, `run_id` and `created_at` come from its [`LogEntry`].
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// The id.
    pub id: MessageId,
    /// The channel account.
    pub channel_id: ChannelId,
    /// Which way it went.
    pub direction: Direction,
    /// Who said it.
    pub sender: Option<Sender>,
    /// Where.
    pub chat: ChatAddress,
    /// What it says.
    pub content: MessageContent,
    /// The service's id of the message it answers.
    pub reply_to: Option<ExternalId>,
    /// The service's own id.
    pub external_id: Option<ExternalId>,
}

/// A transcript entry to store.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptDraft {
    /// The kind.
    pub kind: TranscriptKind,
    /// The message it points at.
    pub message_id: Option<MessageId>,
    /// The content.
    pub data: Value,
}

/// An event to store.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDraft {
    /// Such as `agent.done`.
    pub topic: &'static str,
    /// The message it points at; the data then follows from the message.
    pub message_id: Option<MessageId>,
    /// The data otherwise.
    pub data: Option<Value>,
}

/// An input to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInput {
    /// The id.
    pub id: InboxId,
    /// The run it starts.
    pub run_id: RunId,
    /// Who started it.
    pub principal: String,
    /// The session.
    pub session_id: SessionId,
    /// That session's key.
    pub session_key: SessionKey,
    /// Its stored message.
    pub message_id: MessageId,
    /// The event.
    pub inbound: Inbound,
    /// What the run was asked for.
    pub options: RunOptions,
    /// Whether its answer is sent back to the chat.
    pub reply_back: bool,
    /// Where it stands at once: `Waiting`, or final for what starts no turn.
    pub state: InputState,
    /// Why, for `Refused`.
    pub error: Option<StoredError>,
    /// The run that took it, for `Merged`.
    pub merged_into: Option<RunId>,
    /// Now.
    pub at: Timestamp,
}

/// How an input moves on; `None` leaves a value as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct InputChange {
    /// The input.
    pub id: InboxId,
    /// The states it may be in.
    pub from: Vec<InputState>,
    /// The state it goes to. Going to `Running` counts an attempt and sets `started_at` once.
    pub to: InputState,
    /// The run's status.
    pub status: RunStatus,
    /// The run that took it.
    pub merged_into: Option<RunId>,
    /// Whether the answer went to the outbox.
    pub delivered: Option<bool>,
    /// The answer.
    pub reply: Option<String>,
    /// Tokens used.
    pub usage: Option<Usage>,
    /// Why it failed.
    pub error: Option<StoredError>,
    /// The gateway and fence that take it, when going to `Running`.
    pub owner: Option<(String, i64)>,
    /// Now.
    pub at: Timestamp,
}

impl InputChange {
    /// A change without further values.
    pub fn new(
        id: InboxId,
        from: Vec<InputState>,
        to: InputState,
        status: RunStatus,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            from,
            to,
            status,
            merged_into: None,
            delivered: None,
            reply: None,
            usage: None,
            error: None,
            owner: None,
            at,
        }
    }
}

/// An outbound row to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOutbox {
    /// The id.
    pub id: OutboxId,
    /// The channel account.
    pub channel_id: ChannelId,
    /// The session it belongs to.
    pub session_id: Option<SessionId>,
    /// That session's key.
    pub session_key: Option<SessionKey>,
    /// The run that made it.
    pub run_id: Option<RunId>,
    /// The stored message it is part of.
    pub message_id: Option<MessageId>,
    /// What it is for.
    pub kind: OutboxKind,
    /// Its number among the chunks of its message.
    pub chunk: u32,
    /// What to do; the conversation follows from its chat.
    pub outbound: Outbound,
    /// `Pending`, or `Sent` for a channel whose commit is the delivery.
    pub state: OutboxState,
    /// Who asked for it, for `message.send`.
    pub principal: Option<String>,
    /// The caller's key, for `message.send`.
    pub idempotency_key: Option<String>,
    /// Now.
    pub at: Timestamp,
}

/// How an outbound row moves on; `None` leaves a value as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxChange {
    /// The row.
    pub id: OutboxId,
    /// The states it may be in.
    pub from: Vec<OutboxState>,
    /// The state it goes to. Going to `Sending` counts an attempt.
    pub to: OutboxState,
    /// What to do instead, for a preview whose text grows or a chat that moved.
    pub outbound: Option<Outbound>,
    /// Not before this moment.
    pub next_attempt_at: Option<Timestamp>,
    /// What the service said.
    pub receipt: Option<Receipt>,
    /// Why it failed or is tried again.
    pub error: Option<String>,
    /// Counts one more send of unknown outcome.
    pub uncertain: bool,
    /// The gateway and fence that take it, when going to `Sending`.
    pub owner: Option<(String, i64)>,
    /// Now.
    pub at: Timestamp,
}

impl OutboxChange {
    /// A change without further values.
    pub fn new(id: OutboxId, from: Vec<OutboxState>, to: OutboxState, at: Timestamp) -> Self {
        Self {
            id,
            from,
            to,
            outbound: None,
            next_attempt_at: None,
            receipt: None,
            error: None,
            uncertain: false,
            owner: None,
            at,
        }
    }
}

/// What a committed batch gave out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The `seq` of each `Append`, in order.
    pub seqs: Vec<i64>,
    /// The leases of each `TakeLease`, in order.
    pub leases: Vec<LeaseRow>,
    /// The positions of each `AcceptInput` and `Enqueue`, in order.
    pub positions: Vec<i64>,
}
