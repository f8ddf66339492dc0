use openclaw_core::{
    AgentId, ChannelId, JobId, SessionKey, ThinkingLevel, Timestamp, Usage, UserId,
};
use openclaw_storage::rows::JobRow;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Schedule, ScheduleError};

/// The kind of these jobs in the store.
pub(super) const KIND: &str = "cron";

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// Whose job it is.
    pub agent_id: AgentId,
    /// What is to be done.
    pub spec: JobSpec,
    /// What became of it so far.
    pub state: JobState,
    /// When it has to be looked at next.
    pub due_at: Option<Timestamp>,
    /// The gateway that began its last run.
    pub owner: Option<String>,
    /// The change that this is.
    pub fence: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is to be done was changed.
    pub updated_at: Timestamp,
}

/// What is to be done, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// For people.
    pub name: String,
    /// For people too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// Whether it goes once it has ended well.
    pub delete_after_run: bool,
    /// When it is due.
    pub schedule: Schedule,
    /// In which session.
    pub target: Target,
    /// When the main session heeds it.
    pub wake: WakeAt,
    /// What is said.
    pub payload: Payload,
    /// Where the answer goes.
    pub delivery: Delivery,
    /// What is done about moments that were missed.
    pub catch_up: CatchUp,
    /// Who asked for it, where that was not the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<JobOrigin>,
}

/// The session that a job speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The agent's main session.
    Main,
    /// A fresh one for each run.
    Isolated,
}

/// When the main session heeds an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeAt {
    /// At once, by a turn of its own.
    Now,
    /// With the next heartbeat, or the next turn.
    NextHeartbeat,
}

/// What a job says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payload {
    /// Something that happened, for the main session.
    SystemEvent {
        /// What.
        text: String,
    },
    /// A message to the agent, in a session of its own.
    AgentTurn {
        /// What.
        message: String,
        /// `provider/model`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// How much to think.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thinking: Option<ThinkingLevel>,
        /// The time limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u64>,
    },
}

/// Where the answer of a run goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How.
    pub mode: DeliveryMode,
    /// The channel; `last` or nothing is where the owner was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The chat, or the URL of a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether a run counts as ended well although its answer could not be sent.
    #[serde(default)]
    pub best_effort: bool,
}

/// How the answer of a run is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// It stays in its session.
    None,
    /// To a chat.
    Announce,
    /// To a URL.
    Webhook,
}

/// What is done about moments that passed while nothing could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Nothing.
    Skip,
    /// One run for all of them.
    Once,
    /// A run for each, at most the last 100.
    All,
}

/// Who asked for a job: its runs may use what they may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOrigin {
    /// The session it was asked for in.
    pub session_key: SessionKey,
    /// The channel.
    pub channel_id: ChannelId,
    /// The person; nobody where it was one of the owner's own programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
}

/// What became of a job so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobState {
    /// All moments up to this one are dealt with.
    pub cursor: Timestamp,
    /// A run that was asked for, or that is tried again, outside its schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// Whether `asked` is another try.
    pub is_retry: bool,
    /// The moment whose run is at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Timestamp>,
    /// Not before this moment: it failed lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// When the last run was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_at: Option<Timestamp>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_result: Option<RunResult>,
    /// Why it ended badly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_duration_ms: Option<u64>,
    /// How many ended badly since the last that did not.
    pub consecutive_errors: u32,
    /// How often its schedule could not be understood.
    pub schedule_errors: u32,
    /// Why it was switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// When the owner was last told that it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerted_at: Option<Timestamp>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Well.
    Ok,
    /// Badly.
    Error,
    /// It was not begun.
    Skipped,
}

/// Why a run was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// It was due.
    Schedule,
    /// Somebody asked for it.
    Asked,
    /// The last one failed.
    Retry,
    /// A heartbeat.
    Heartbeat,
}

/// What a receipt holds besides its columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunData {
    /// Why it was begun.
    pub trigger: Trigger,
    /// The job's name then.
    #[serde(default)]
    pub name: String,
    /// Moments before this one that got no run of their own.
    #[serde(default)]
    pub missed: u32,
    /// What it said, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Why it ended badly, or was not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What became of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

impl RunData {
    /// Of a run that begins.
    pub fn new(trigger: Trigger, name: impl Into<String>, missed: u32) -> Self {
        let name = name.into();
        Self { trigger, name, missed, summary: None, error: None, usage: None, delivery: None }
    }
}

impl Job {
    /// From its row.
    ///
    /// # Errors
    /// When the row holds what this version does not understand.
    pub fn from_row(row: JobRow) -> Result<Self, ScheduleError> {
        let unreadable = |error: serde_json::Error| {
            ScheduleError::invalid("job", format!("{} cannot be read: {error}", row.id))
        };
        let spec = serde_json::from_value(row.data.clone()).map_err(unreadable)?;
        let state = serde_json::from_value(row.state.clone()).map_err(unreadable)?;
        Ok(Self {
            id: row.id,
            agent_id: row.agent_id,
            spec,
            state,
            due_at: row.due_at,
            owner: row.owner,
            fence: row.fence,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// As its row.
    pub fn to_row(&self) -> JobRow {
        JobRow {
            id: self.id.clone(),
            agent_id: self.agent_id.clone(),
            kind: KIND.to_owned(),
            data: json!(self.spec),
            state: json!(self.state),
            due_at: self.due_at,
            owner: self.owner.clone(),
            fence: self.fence,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// Whether its owner should look at it.
    pub fn is_failing(&self) -> bool {
        self.state.consecutive_errors > 0 || self.state.disabled_reason.is_some()
    }

    /// What of a run's session key follows the agent.
    pub fn session_rest(&self, slot: Timestamp) -> String {
        format!("cron:{}:run:{}", self.id, slot.as_millis())
    }
}
