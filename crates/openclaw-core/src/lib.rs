//! OpenClaw's vocabulary: ids, messages, sessions, events, and the ports for time and randomness.
//!
//! Everything here is plain data and pure functions. There is no I/O, no async runtime and no
//! storage; those crates depend on this one. The glossary of these words is in `ARCHITECTURE.md`.
//!
//! To add an id, extend `id.rs`; to add a kind of message content, extend [`MessageContent`] and
//! follow the exhaustive matches.

mod agent_event;
mod conversation;
mod duration_text;
mod id;
mod inbound;
mod message;
mod origin;
mod outbound;
mod random;
mod run;
mod secret;
mod session;
mod session_key;
mod time;

pub use agent_event::{AgentEvent, CompactionPhase, ToolPhase};
pub use conversation::{ChatAddress, ChatKind, Conversation, Sender};
pub use duration_text::{parse_duration, write_duration};
pub use id::{
    AgentId, CallId, ChannelId, ChannelKind, ChatId, ExternalId, InboxId, InvalidId, JobId,
    MediaId, MessageId, OutboxId, RunId, SessionId, ThreadId, ToolName, UserId,
};
pub use inbound::{Inbound, InboundKind, ReplyContext};
pub use message::{Contact, Direction, Location, MediaRef, Message, MessageContent, Poll};
pub use origin::{AskedBy, OriginKind, ReportTo, RunOrigin, SpawnBound, Spawned};
pub use outbound::{
    Button, DeleteMessage, EditMessage, Outbound, React, Receipt, SendMessage, SendPoll, Typing,
};
pub use random::{IdGen, Rng, SystemIds, SystemRng};
pub use run::{RunStatus, StopReason, Usage};
pub use secret::Secret;
pub use session::{
    GroupActivation, QueueDrop, QueueMode, ReplyBack, SandboxMode, Session, SessionConfig,
    SessionContext, SessionState, ThinkingLevel, UsageShown,
};
pub use session_key::{InvalidSessionKey, SessionKey};
pub use time::{Clock, SystemClock, Timestamp};
