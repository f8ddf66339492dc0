use std::time::Duration;

use openclaw_core::Secret;

/// `[cron]`.
#[derive(Debug, Clone, PartialEq)]
pub struct CronSettings {
    /// Whether jobs run by themselves.
    pub enabled: bool,
    /// How many runs of jobs may be at work at once.
    pub max_concurrent_runs: u32,
    /// How long the session of a run is kept; `None` is as long as any other.
    pub session_retention: Option<Duration>,
    /// Whether the owner is told of a job that fails.
    pub failure_alerts: bool,
    /// What webhooks of jobs are sent as a bearer token.
    pub webhook_token: Option<Secret>,
}

impl Default for CronSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_concurrent_runs: 2,
            session_retention: Some(Duration::from_secs(24 * 60 * 60)),
            failure_alerts: true,
            webhook_token: None,
        }
    }
}

/// `[agents.heartbeat]` merged into that of an agent which has heartbeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatSettings {
    /// How far they are apart.
    pub every: Duration,
    /// What the model is asked.
    pub prompt: String,
    /// Where alerts go: `last`, `none`, or a channel.
    pub target: String,
    /// The chat.
    pub to: Option<String>,
    /// When they may run.
    pub active_hours: Option<ActiveHours>,
    /// How much may stand beside an acknowledgement.
    pub ack_max_chars: u32,
    /// `provider/model`.
    pub model: Option<String>,
    /// Which session they run in.
    pub session: HeartbeatSession,
}

impl Default for HeartbeatSettings {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30 * 60),
            prompt: Self::PROMPT.to_owned(),
            target: "last".to_owned(),
            to: None,
            active_hours: None,
            ack_max_chars: 300,
            model: None,
            session: HeartbeatSession::Isolated,
        }
    }
}

impl HeartbeatSettings {
    /// What the model is asked unless something else is configured.
    pub const PROMPT: &str = "Read HEARTBEAT.md in the workspace and follow it strictly. Do not infer or repeat old tasks from earlier chats. If nothing needs attention, reply HEARTBEAT_OK.";
}

/// `active_hours` of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveHours {
    /// The first minute of the day.
    pub start_minutes: u16,
    /// The minute after the last one.
    pub end_minutes: u16,
    /// The IANA name of the zone; else the machine's.
    pub time_zone: Option<String>,
}

/// Which session heartbeats run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatSession {
    /// A fresh one each time.
    Isolated,
    /// The agent's main session.
    Main,
}
