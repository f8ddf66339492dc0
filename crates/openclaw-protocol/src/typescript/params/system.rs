use serde::Deserialize;
use serde_json::{Map, Value};

/// The params of `health`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthParams {
    /// Whether to ask the services.
    pub probe: Option<bool>,
}

/// The params of `logs.tail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogsTailParams {
    /// Where the last answer ended.
    pub cursor: Option<u64>,
    /// Lines, at most 5,000.
    pub limit: Option<u64>,
    /// Bytes, at most 1,000,000.
    pub max_bytes: Option<u64>,
}

/// When the text of a `wake` is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakeMode {
    /// At once.
    Now,
    /// With the next heartbeat.
    NextHeartbeat,
}

/// The params of `wake`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WakeParams {
    /// When.
    pub mode: WakeMode,
    /// What.
    pub text: String,
}

/// The params of `system-event`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemEventParams {
    /// One line for people.
    pub text: String,
    /// The device.
    pub device_id: Option<String>,
    /// The installation.
    pub instance_id: Option<String>,
    /// The machine.
    pub host: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// How it is used.
    pub mode: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its system.
    pub platform: Option<String>,
    /// What kind of device it is.
    pub device_family: Option<String>,
    /// The hardware.
    pub model_identifier: Option<String>,
    /// When it was last used.
    pub last_input_seconds: Option<u64>,
    /// Why it is told.
    pub reason: Option<String>,
    /// Its roles.
    pub roles: Option<Vec<String>>,
    /// What it may do.
    pub scopes: Option<Vec<String>>,
}

/// The params of `cron.list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronListParams {
    /// Whether to list what is switched off.
    pub include_disabled: Option<bool>,
}

/// The params of `cron.remove`: one of both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronTargetParams {
    /// The job.
    pub id: Option<String>,
    /// The job.
    pub job_id: Option<String>,
}

/// The params of `cron.update`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronUpdateParams {
    /// The job.
    pub id: Option<String>,
    /// The job.
    pub job_id: Option<String>,
    /// What is changed.
    pub patch: Map<String, Value>,
}

/// The params of `cron.run`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronRunParams {
    /// The job.
    pub id: Option<String>,
    /// The job.
    pub job_id: Option<String>,
    /// `due` or `force`.
    pub mode: Option<String>,
}

/// The params of `cron.runs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronRunsParams {
    /// The job.
    pub id: Option<String>,
    /// The job.
    pub job_id: Option<String>,
    /// At most this many.
    pub limit: Option<u32>,
}

/// The params of `set-heartbeats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetHeartbeatsParams {
    /// Whether they run.
    pub enabled: bool,
}

/// The params of `tools.invoke`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsInvokeParams {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// In whose name.
    pub session_key: Option<String>,
}

/// The params of `tools.catalog`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsCatalogParams {
    /// The agent.
    pub agent_id: Option<String>,
}
