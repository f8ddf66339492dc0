use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::{
    AgentEvent, Conversation, ExternalId, Inbound, MessageId, RunId, Session, SessionKey,
    StopReason, Timestamp, Usage,
};
use openclaw_storage::rows::{CallerCall, InboxRow, RunOptions, StoredError, TranscriptRow};
use openclaw_storage::{Fence, NewOutbox, TranscriptDraft};
use tokio_util::sync::CancellationToken;

/// Runs turns. Implemented by `openclaw-agents`.
#[async_trait]
pub trait TurnRunner: Send + Sync + std::fmt::Debug {
    /// Why no turn can run for this session at present: no model configured or found. The inputs
    /// then end `refused` with one reply that says so.
    fn refusal(
        &self,
        config: &Config,
        session: &Session,
        options: &RunOptions,
    ) -> Option<StoredError>;

    /// What the model will see of these inputs, as one transcript entry. Pure.
    fn user_entry(
        &self,
        config: &Config,
        session: &Session,
        inputs: &[InboxRow],
    ) -> TranscriptDraft;

    /// Whether this input is a turn by itself, which no other input joins and which joins no other:
    /// what the runner answers without the model. It neither interrupts a turn nor is refused for
    /// want of a model. Pure.
    fn stands_alone(&self, inbound: &Inbound) -> bool;

    /// Runs one turn to its end.
    ///
    /// The inputs' entry is committed already. The runner commits every further step under
    /// `turn.fence` before the next one, except the last: the final assistant entry is returned for
    /// the lane to commit together with the reply and the inputs' end. An interrupted turn
    /// (`turn.attempt > 1`) goes on from the steps that are stored. Returns within 250 ms of
    /// `turn.cancel`.
    async fn run(&self, turn: Turn) -> TurnOutcome;
}

/// One turn to run.
#[derive(Clone)]
pub struct Turn {
    /// The run.
    pub run_id: RunId,
    /// The session as it was when the turn began.
    pub session: Session,
    /// The inputs, in order; at least one. Options of the last one count.
    pub inputs: Vec<InboxRow>,
    /// The configuration the turn keeps to its end.
    pub config: Arc<Config>,
    /// The fence of the lane.
    pub fence: Fence,
    /// 1 for a fresh turn, more after interruptions.
    pub attempt: u32,
    /// Its total time limit.
    pub timeout: Duration,
    /// Where it reports deltas and tool output.
    pub stream: Arc<dyn TurnStream>,
    /// Where it asks for inputs that join it at a tool boundary.
    pub steering: Arc<dyn Steering>,
    /// Ends the turn.
    pub cancel: CancellationToken,
}

/// Where a running turn asks for inputs that join it.
#[async_trait]
pub trait Steering: Send + Sync {
    /// Takes the inputs that wait, if the queue mode is `immediate`: commits them as merged into
    /// this run with their transcript entries, which are returned. Called between two model calls.
    async fn take(&self) -> Vec<TranscriptRow>;
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnOutcome {
    /// How.
    pub result: TurnResult,
    /// Tokens used over all model calls of this turn.
    pub usage: Usage,
}

/// The ways a turn ends.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnResult {
    /// With an answer.
    Done {
        /// The answer, Markdown; empty when the model chose to say nothing.
        reply: String,
        /// The final assistant entry, to be committed with the reply.
        entry: TranscriptDraft,
        /// Why the model stopped.
        stop_reason: StopReason,
    },
    /// With calls that only the run's caller can run.
    HandedOver {
        /// What was said before them; mostly nothing.
        reply: String,
        /// The final assistant entry.
        entry: TranscriptDraft,
        /// The calls, at least one.
        calls: Vec<CallerCall>,
    },
    /// Cancelled through `turn.cancel`; the lane knows why.
    Cancelled {
        /// What had been said.
        partial: String,
        /// The partial assistant entry, where something had been said.
        entry: Option<TranscriptDraft>,
    },
    /// The total time limit ran out.
    TimedOut {
        /// What had been said.
        partial: String,
        /// The partial assistant entry, where something had been said.
        entry: Option<TranscriptDraft>,
    },
    /// Without an answer.
    Failed(StoredError),
    /// Storage failed or the fence was lost: the turn is parked as it is.
    Parked(String),
}

/// Brings a turn's text to its readers. Implemented by the gateway.
#[async_trait]
pub trait TurnDelivery: Send + Sync + std::fmt::Debug {
    /// A turn begins: gives the stream its events go to.
    async fn begin(&self, turn: TurnInfo) -> Arc<dyn TurnStream>;

    /// The outbox rows for a reply, chunked for its channel, in order. Pure but for fresh ids.
    fn plan(&self, reply: ReplyRequest) -> Vec<NewOutbox>;
}

/// What delivery needs to know of a turn that begins.
#[derive(Debug, Clone)]
pub struct TurnInfo {
    /// The run.
    pub run_id: RunId,
    /// The session.
    pub session: Session,
    /// Its last stored `seq`.
    pub after_seq: i64,
    /// Where the last input was said.
    pub conversation: Conversation,
    /// The last input's id at the service.
    pub reply_to: ExternalId,
    /// Whether the answer is sent to the chat: only then is typing and a preview shown.
    pub reply_back: bool,
    /// 1 for a fresh turn.
    pub attempt: u32,
    /// The fence of the lane, for what is stored while the turn runs.
    pub fence: Fence,
}

/// Where a running turn reports what is not stored.
#[async_trait]
pub trait TurnStream: Send + Sync {
    /// Hands on a delta or tool output. Must not block; may drop deltas of slow readers.
    fn emit(&self, event: AgentEvent);

    /// An event of the turn was committed with this `seq`; later deltas follow it.
    fn committed(&self, seq: i64);

    /// The turn is over: stops previews and typing, and waits at most 2 s for one in flight.
    async fn finish(&self);
}

/// A reply to be cut into outbox rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyRequest {
    /// The session.
    pub session: Session,
    /// That session's key.
    pub session_key: SessionKey,
    /// The run.
    pub run_id: RunId,
    /// The stored message.
    pub message_id: MessageId,
    /// Where to.
    pub conversation: Conversation,
    /// The input it answers; shown as an answer only in groups.
    pub reply_to: Option<ExternalId>,
    /// Markdown.
    pub text: String,
    /// Whether this is the gateway's own notice rather than the model's answer.
    pub notice: bool,
    /// Now.
    pub at: Timestamp,
}
