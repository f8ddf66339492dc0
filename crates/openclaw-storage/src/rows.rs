//! The rows as readers see them.

use openclaw_core::{
    AgentId, ChannelId, ChatAddress, ExternalId, Inbound, InboxId, Message, MessageId, Outbound,
    OutboxId, Receipt, RunId, RunOrigin, RunStatus, Session, SessionId, SessionKey, ThinkingLevel,
    Timestamp, Usage, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod memory;

pub use self::memory::{
    MemoryChunkRow, MemoryCounts, MemoryFileRow, MemoryIndexing, MemorySource, MemoryVector,
    MemoryVectorRow, MemoryWordCounts, NewMemoryChunk,
};
pub(crate) use self::memory::{vector_bytes, vector_of};
pub use crate::caller_run::{
    CallerCall, CallerChoice, CallerResult, CallerRun, CallerTool, Sampling,
};
pub use crate::job_rows::{JobRow, JobRunRow, JobRunStatus};

/// Where one input stands. Each ends in exactly one of the last four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputState {
    /// Stored, not yet taken.
    Waiting,
    /// A turn works on it.
    Running,
    /// Its turn ended with an answer (or a stored one that `reply_back` keeps back).
    Answered,
    /// Another run took it, or it changed another message.
    Merged,
    /// It was stored and not run: no model, or not wanted.
    Refused,
    /// Its turn ended without an answer: error, stop, time-out.
    Failed,
}

impl InputState {
    /// Whether the input has ended.
    pub fn is_final(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Answered | Self::Merged | Self::Refused | Self::Failed => true,
        }
    }

    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Answered => "answered",
            Self::Merged => "merged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What a run was asked for besides its message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunOptions {
    /// `provider/model` for this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The thinking level for this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingLevel>,
    /// The total time limit of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// The request that asked for it, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What a program that brings its own tools asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Box<CallerRun>>,
    /// Whether a credential asked for it that may do everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_owner: bool,
    /// Where it comes from, where another session's run began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Box<RunOrigin>>,
}

/// What an input's run used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Its place in the order of acceptance over all sessions.
    pub position: i64,
    /// The session.
    pub session_key: SessionKey,
    /// What it used; `None` where it has not ended, or ended without a turn.
    pub usage: Option<Usage>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// An error as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredError {
    /// An error kind's stable name.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One accepted input and the run it starts: the inbox is the ledger of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxRow {
    /// The id.
    pub id: InboxId,
    /// Its place in the order of acceptance over all sessions.
    pub position: i64,
    /// The run; unique per gateway.
    pub run_id: RunId,
    /// Who started it: `channel:<channel id>` or the credential's name.
    pub principal: String,
    /// The session it was routed to.
    pub session_id: SessionId,
    /// That session's key.
    pub session_key: SessionKey,
    /// The stored message.
    pub message_id: MessageId,
    /// The event itself; an edit of a waiting input has replaced its content.
    pub inbound: Inbound,
    /// What the run was asked for.
    pub options: RunOptions,
    /// Whether its answer is sent back to the chat.
    pub reply_back: bool,
    /// Where it stands.
    pub state: InputState,
    /// The run's status on the wire.
    pub status: RunStatus,
    /// The run that took it.
    pub merged_into: Option<RunId>,
    /// For an answered input: whether the answer went to the outbox.
    pub delivered: Option<bool>,
    /// The answer, or the partial text of a stopped run.
    pub reply: Option<String>,
    /// Tokens used.
    pub usage: Option<Usage>,
    /// Why it was refused or failed.
    pub error: Option<StoredError>,
    /// How often a turn was begun on it.
    pub attempts: u32,
    /// The gateway that works on it.
    pub owner: Option<String>,
    /// Until when that gateway may.
    pub lease_until: Option<Timestamp>,
    /// The fence under which it was taken.
    pub fence: Option<i64>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a turn first began on it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Who runs of hooks belong to, whose words are strangers'.
pub const HOOKS: &str = "hooks";

impl InboxRow {
    /// Whether a program with one of the gateway's credentials said it in the web channel, rather
    /// than a person in a chat or whoever calls a hook.
    pub fn is_of_own_program(&self) -> bool {
        self.inbound.conversation.channel_id == ChannelId::web()
            && !self.principal.starts_with("channel:")
            && self.principal != HOOKS
    }

    /// The service's id of what is answered in the chat.
    pub fn answers(&self) -> &ExternalId {
        let origin = self.options.origin.as_ref();
        origin.and_then(|origin| origin.answers.as_ref()).unwrap_or(&self.inbound.external_id)
    }
}

/// What an outbox row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxKind {
    /// A chunk of an answer.
    Reply,
    /// The message that shows an answer while it is written.
    Preview,
    /// Something the gateway itself says: pairing, refusal, error.
    Notice,
    /// `message.send`.
    Message,
}

/// Where an outbound row stands. It ends in exactly one of `Sent`, `Failed`, or (reported) `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// To be sent.
    Pending,
    /// Given to the service; the outcome is not stored yet.
    Sending,
    /// The service confirmed it.
    Sent,
    /// The service refused it, or tries ran out before it was ever given over.
    Failed,
    /// Given to the service, outcome not known, and `on_uncertain` is skip.
    Unknown,
}

impl OutboxState {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more happens to the row.
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Sending => false,
            Self::Sent | Self::Failed | Self::Unknown => true,
        }
    }
}

/// One thing to do in a chat, and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The id; the idempotency key towards the service.
    pub id: OutboxId,
    /// Its place in the order of commits; rows of one conversation are sent in this order.
    pub position: i64,
    /// The channel account.
    pub channel_id: ChannelId,
    /// The chat it was first addressed to; groups rows to one conversation.
    pub chat: ChatAddress,
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
    /// Its number among the chunks of its message, from 0.
    pub chunk: u32,
    /// What to do.
    pub outbound: Outbound,
    /// Where it stands.
    pub state: OutboxState,
    /// How often it was given to the service.
    pub attempts: u32,
    /// How often its outcome was not known and it was sent again.
    pub uncertain: u32,
    /// Not before this moment.
    pub next_attempt_at: Timestamp,
    /// What the service said.
    pub receipt: Option<Receipt>,
    /// Why it failed or is being tried again.
    pub error: Option<String>,
    /// Who asked for it, for `message.send`.
    pub principal: Option<String>,
    /// The caller's key, for `message.send`; unique per gateway.
    pub idempotency_key: Option<String>,
    /// The gateway that sends it.
    pub owner: Option<String>,
    /// Until when that gateway may.
    pub lease_until: Option<Timestamp>,
    /// The fence under which it was taken.
    pub fence: Option<i64>,
    /// When it was committed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What kind of thing a transcript entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptKind {
    /// What people said, as the model saw it.
    User,
    /// What the model answered: text, thinking, tool calls.
    Assistant,
    /// The result of one tool call.
    ToolResult,
    /// Older entries were summarised.
    Compaction,
    /// Something the gateway tells the model.
    Note,
}

impl TranscriptKind {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::ToolResult => "tool_result",
            Self::Compaction => "compaction",
            Self::Note => "note",
        }
    }
}

/// One entry of what the model saw. The JSON belongs to `openclaw-agents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptRow {
    /// The session.
    pub session_id: SessionId,
    /// Its place in the session.
    pub seq: i64,
    /// The run that wrote it.
    pub run_id: Option<RunId>,
    /// The kind.
    pub kind: TranscriptKind,
    /// The message it points at.
    pub message_id: Option<MessageId>,
    /// The content.
    pub data: Value,
}

/// A stored event, for replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// The session.
    pub session_id: SessionId,
    /// Its place in the session.
    pub seq: i64,
    /// Such as `agent.done`.
    pub topic: String,
    /// The run.
    pub run_id: Option<RunId>,
    /// The message it points at, read with it.
    pub message: Option<Message>,
    /// The data, where it does not follow from the message.
    pub data: Option<Value>,
}

/// A person as one channel account knows them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserRow {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The service's id.
    pub channel_user_id: UserId,
    /// The canonical name that `session.identity_links` gives.
    pub global_user_id: Option<String>,
    /// The display name: untrusted text.
    pub display_name: Option<String>,
    /// What else the service says.
    pub metadata: Option<Value>,
    /// When first seen.
    pub created_at: Timestamp,
}

/// A person who asked to talk to the assistant, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingRow {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The service's id of the person.
    pub user_id: UserId,
    /// The display name: untrusted text.
    pub display_name: Option<String>,
    /// The code to approve; `None` once approved.
    pub code: Option<String>,
    /// When the code stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was approved; `None` while it is asked for.
    pub approved_at: Option<Timestamp>,
    /// Whether the person is an owner.
    pub is_owner: bool,
    /// How often the person wrote while not approved.
    pub denied: u64,
    /// When the person first wrote.
    pub created_at: Timestamp,
}

/// Who may work on a resource: `lane:<session key>` or `account:<channel id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// The resource.
    pub resource: String,
    /// The gateway.
    pub owner: String,
    /// Until when.
    pub lease_until: Timestamp,
    /// Grows with every change of holder or start.
    pub fence: i64,
}

impl LeaseRow {
    /// What [`Self::lease_until`] is once the holder has given the lease back.
    pub const GIVEN_BACK: Timestamp = Timestamp::from_millis(0);

    /// Whether it has not been given back; it may have run out.
    pub fn is_given(&self) -> bool {
        self.lease_until > Self::GIVEN_BACK
    }
}

/// What to list among sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionQuery {
    /// At most this many, 1 to 1,000.
    pub limit: u32,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// Text to find in key, label, user or chat id, case-insensitive.
    pub search: Option<String>,
    /// Only this channel account.
    pub channel_id: Option<ChannelId>,
    /// Only this agent.
    pub agent_id: Option<AgentId>,
    /// Only with a message since then.
    pub active_since: Option<Timestamp>,
}

impl SessionQuery {
    /// Where the page after this session begins.
    pub fn cursor_after(session: &Session) -> String {
        format!("{}:{}", session.last_activity_at.as_millis(), session.id)
    }

    /// The cursor's session: when it was last active, and its id. `None` for a text that is no cursor.
    pub fn parse_cursor(cursor: &str) -> Option<(Timestamp, SessionId)> {
        let (millis, id) = cursor.split_once(':')?;
        Some((Timestamp::from_millis(millis.parse().ok()?), SessionId::new(id).ok()?))
    }

    /// The limit, held to 1 to 1,000.
    pub(crate) fn page_size(&self) -> usize {
        self.limit.clamp(1, 1_000) as usize
    }
}

/// What to find among messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageQuery {
    /// Words that must all be in the text; one that ends in `*` stands for all that begin so.
    pub text: String,
    /// At most this many, 1 to 1,000.
    pub limit: u32,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// Only in sessions of this key.
    pub session_key: Option<SessionKey>,
    /// Only of this channel account.
    pub channel_id: Option<ChannelId>,
}

impl MessageQuery {
    /// Where the page after this message begins.
    pub fn cursor_after(message: &Message) -> String {
        format!("{}:{}", message.created_at.as_millis(), message.id)
    }

    /// The cursor's message: when it was stored, and its id. `None` for a text that is no cursor.
    pub fn parse_cursor(cursor: &str) -> Option<(Timestamp, MessageId)> {
        let (millis, id) = cursor.split_once(':')?;
        Some((Timestamp::from_millis(millis.parse().ok()?), MessageId::new(id).ok()?))
    }

    /// The limit, held to 1 to 1,000.
    pub(crate) fn page_size(&self) -> usize {
        self.limit.clamp(1, 1_000) as usize
    }

    /// The moment and id before which the page begins.
    pub(crate) fn start(&self) -> Result<(i64, String), crate::StorageError> {
        match &self.cursor {
            // Every message comes after this one.
            None => Ok((i64::MAX, String::new())),
            Some(cursor) => {
                let (at, id) = Self::parse_cursor(cursor)
                    .ok_or_else(|| crate::StorageError::bad_cursor(cursor))?;
                Ok((at.as_millis(), id.into_string()))
            }
        }
    }

    /// A page of what was found, which is one more than fits where there is more.
    pub(crate) fn page(&self, mut items: Vec<Message>) -> Page<Message> {
        let has_more = items.len() > self.page_size();
        items.truncate(self.page_size());
        let next_cursor = items.last().filter(|_| has_more).map(Self::cursor_after);
        Page { items, next_cursor }
    }
}

/// One page, newest first, and where the next begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub next_cursor: Option<String>,
}

/// Counts for status and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Backlog {
    /// Inputs not ended.
    pub inputs: u64,
    /// Outbox rows not ended.
    pub outbox: u64,
    /// Outbox rows that ended unknown.
    pub unknown: u64,
    /// Outbox rows that failed.
    pub failed: u64,
    /// Sends repeated without knowing whether the first arrived.
    pub resent: u64,
}
