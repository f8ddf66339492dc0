use openclaw_core::{AgentId, JobId, RunId, SessionKey, ThinkingLevel, Timestamp, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `cron.status`.
    CronStatus, "cron.status", Access::Scope(Scope::Read), NoParams => CronStatusResult,
    "Tells whether jobs run by themselves, how many there are and fail, and when the next is due."
}
method! {
    /// `cron.list`.
    CronList, "cron.list", Access::Scope(Scope::Read), CronListParams => CronListResult,
    "Lists the jobs, the oldest first."
}
method! {
    /// `cron.add`.
    CronAdd, "cron.add", Access::Scope(Scope::Admin), CronAddParams => CronJob,
    "Makes a job: something the agent does once, again and again, or as a cron expression says."
}
method! {
    /// `cron.update`.
    CronUpdate, "cron.update", Access::Scope(Scope::Admin), CronUpdateParams => CronJob,
    "Changes a job; what the patch does not name stays. What was missed until then is not made up for when the schedule changes."
}
method! {
    /// `cron.remove`.
    CronRemove, "cron.remove", Access::Scope(Scope::Admin), CronJobParams => CronRemoveResult,
    "Removes a job. A run at work goes on; the receipts of its runs stay for 30 days."
}
method! {
    /// `cron.run`.
    CronRun, "cron.run", Access::Scope(Scope::Admin), CronRunParams => CronRunResult,
    "Runs a job at once, outside its schedule."
}
method! {
    /// `cron.runs`.
    CronRuns, "cron.runs", Access::Scope(Scope::Read), CronRunsParams => CronRunsResult,
    "Lists the receipts of a job, the newest first: one for each moment at which it was due."
}

/// The result of `cron.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CronStatusResult {
    /// Whether jobs run by themselves.
    pub enabled: bool,
    /// How many jobs there are.
    pub jobs: u64,
    /// How many of them fail, or were switched off because they did.
    pub failing: u64,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<Timestamp>,
}

/// The params of `cron.list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronListParams {
    /// Whether to list jobs that are switched off too; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_disabled: Option<bool>,
}

/// The result of `cron.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CronListResult {
    /// The jobs.
    pub jobs: Vec<CronJob>,
}

/// The params of methods about one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronJobParams {
    /// The job.
    pub job_id: JobId,
}

/// When a job is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CronSchedule {
    /// Once.
    At {
        /// The moment.
        at: Timestamp,
    },
    /// Again and again.
    Every {
        /// How far apart, at least 1,000.
        every_ms: u64,
        /// A moment that all others are counted from; else now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anchor: Option<Timestamp>,
    },
    /// As a cron expression says: 5 fields, or 6 with seconds first.
    Cron {
        /// The expression.
        expr: String,
        /// The IANA name of its time zone; else the machine's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tz: Option<String>,
        /// The job is due up to so much later, always by the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stagger_ms: Option<u64>,
    },
}

/// The session that a job speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CronTarget {
    /// The agent's main session.
    Main,
    /// A fresh one for each run.
    Isolated,
}

/// When the main session heeds an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CronWake {
    /// At once.
    Now,
    /// With the next heartbeat or turn.
    NextHeartbeat,
}

/// What a job says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CronPayload {
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
        /// The time limit, 1 to 86,400.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u64>,
    },
}

/// How the answer of a run is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CronDeliveryMode {
    /// It stays in its session.
    None,
    /// To a chat.
    Announce,
    /// To a URL, as a POST.
    Webhook,
}

/// Where the answer of a run goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronDelivery {
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CronDeliveryMode>,
    /// The channel; `last` or nothing is where the owner was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The chat, or the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether a run counts as ended well although its answer could not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_effort: Option<bool>,
}

/// What is done about moments that passed while nothing could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CronCatchUp {
    /// Nothing.
    Skip,
    /// One run for all of them.
    Once,
    /// A run for each, at most the last 100.
    All,
}

/// The params of `cron.add`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronAddParams {
    /// For people; else the beginning of what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The agent; else the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Whether it runs by itself; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether it goes once it has ended well; default true for `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after_run: Option<bool>,
    /// When it is due.
    pub schedule: CronSchedule,
    /// The session; it follows from the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_target: Option<CronTarget>,
    /// When the main session heeds it; default `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_mode: Option<CronWake>,
    /// What it says.
    pub payload: CronPayload,
    /// Where the answer goes; default `announce` for an agent_turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<CronDelivery>,
    /// What is done about missed moments; default `once`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<CronCatchUp>,
}

/// What of a job is changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronPatch {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The description; empty clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The agent; empty is the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Whether it runs by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether it goes once it has ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after_run: Option<bool>,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<CronSchedule>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_target: Option<CronTarget>,
    /// When the main session heeds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_mode: Option<CronWake>,
    /// What it says; `text` and `message` stand for each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<CronPayloadPatch>,
    /// Where the answer goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<CronDelivery>,
    /// What is done about missed moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<CronCatchUp>,
}

/// What of a payload is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronPayloadPatch {
    /// `system_event` or `agent_turn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The text of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The message to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `provider/model`; empty clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much to think; empty clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// The time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
}

/// The params of `cron.update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronUpdateParams {
    /// The job.
    pub job_id: JobId,
    /// What is changed.
    pub patch: CronPatch,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CronJob {
    /// The id.
    pub id: JobId,
    /// The name.
    pub name: String,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The agent.
    pub agent_id: AgentId,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// Whether it goes once it has ended well.
    pub delete_after_run: bool,
    /// When it is due.
    pub schedule: CronSchedule,
    /// The session.
    pub session_target: CronTarget,
    /// When the main session heeds it.
    pub wake_mode: CronWake,
    /// What it says.
    pub payload: CronPayload,
    /// Where the answer goes.
    pub delivery: CronDelivery,
    /// What is done about missed moments.
    pub catch_up: CronCatchUp,
    /// The session it was made in, where a tool made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_in: Option<SessionKey>,
    /// What became of it so far.
    pub state: CronJobState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// What became of a job so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CronJobState {
    /// When it is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run_at: Option<Timestamp>,
    /// Whether a run is at work.
    pub is_running: bool,
    /// When the last run was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run_at: Option<Timestamp>,
    /// `ok`, `error` or `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<String>,
    /// Why the last run ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// How long the last run took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_duration_ms: Option<u64>,
    /// How many runs ended badly since the last that did not.
    pub consecutive_errors: u32,
    /// Why it was switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
}

/// The result of `cron.remove`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CronRemoveResult {
    /// Always true: an unknown job is an error.
    pub removed: bool,
}

/// The params of `cron.run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronRunParams {
    /// The job.
    pub job_id: JobId,
    /// Whether to run it only where it is due; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if_due: Option<bool>,
}

/// The result of `cron.run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CronRunResult {
    /// Whether a run begins.
    pub begins: bool,
    /// `already_running` or `not_due` where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run, where one begins: `agent.status` knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

/// The params of `cron.runs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronRunsParams {
    /// The job, which may be gone.
    pub job_id: JobId,
    /// At most this many, 1 to 5,000; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5000))]
    pub limit: Option<u32>,
}

/// The result of `cron.runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CronRunsResult {
    /// The receipts.
    pub runs: Vec<CronRunReceipt>,
}

/// The receipt of a moment at which a job was due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CronRunReceipt {
    /// The job.
    pub job_id: JobId,
    /// The moment.
    pub slot: Timestamp,
    /// `running`, `ok`, `error` or `skipped`.
    pub status: String,
    /// `schedule`, `asked`, `retry` or `heartbeat`.
    pub trigger: String,
    /// The run, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// Moments before it that got no run of their own.
    pub missed: u32,
    /// What it said, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Why it ended badly, or was not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What became of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// The data of `cron.*` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CronEvent {
    /// The job.
    pub job_id: JobId,
    /// The job, where it was added or updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<CronJob>>,
    /// The receipt, where a run was begun or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Box<CronRunReceipt>>,
    /// When the job is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run_at: Option<Timestamp>,
}
