use openclaw_core::{ChannelId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChannelState, NoParams};
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `gateway.status`.
    GatewayStatusGet, "gateway.status", Access::Scope(Scope::Read), GatewayStatusParams => GatewayStatus,
    "Tells how the gateway is; `deep` asks the store and every channel's service too."
}
method! {
    /// `gateway.reload`.
    GatewayReload, "gateway.reload", Access::Scope(Scope::Admin), NoParams => ReloadResult,
    "Reads the configuration again. Everything is validated first; one mistake changes nothing."
}
method! {
    /// `gateway.stop`.
    GatewayStop, "gateway.stop", Access::Scope(Scope::Admin), NoParams => GatewayStopResult,
    "Stops the gateway: turns finish or are parked, then it exits."
}

method! {
    /// `gateway.restart`.
    GatewayRestart, "gateway.restart", Access::Scope(Scope::Admin), NoParams => GatewayStopResult,
    "Stops the gateway as `gateway.stop` does, then starts its program again in its place."
}

/// The params of `gateway.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayStatusParams {
    /// Whether to ask the store and the channels' services.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deep: bool,
}

/// The result of `gateway.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayStatus {
    /// The version of the program.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// For how long it has run.
    pub uptime_ms: u64,
    /// The addresses it listens on.
    pub listening: Vec<String>,
    /// The SHA-256 of the certificate it shows; absent where it speaks plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fingerprint: Option<String>,
    /// The state folder.
    pub state_dir: String,
    /// The configuration file; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file: Option<String>,
    /// Keys that are understood but have no effect yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inert_keys: Vec<String>,
    /// What is wrong with the configuration file at present; the last good one is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_problem: Option<ConfigProblem>,
    /// Keys that changed since the start and act only after a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_restart: Vec<String>,
    /// The default agent's model; absent when none is configured or found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Open connections.
    pub connections: u64,
    /// Sessions that have not ended.
    pub sessions: u64,
    /// What has not ended, or ended badly.
    pub backlog: BacklogStatus,
    /// The channels.
    pub channels: Vec<ChannelSummary>,
    /// The store, with `deep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageStatus>,
    /// Memory of the process in bytes, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
}

/// What is wrong with the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigProblem {
    /// One line per error, each with its place.
    pub errors: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// Counts of what has not ended, or ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BacklogStatus {
    /// Inputs not ended.
    pub inputs: u64,
    /// Outbound messages not ended.
    pub outbox: u64,
    /// Outbound messages of unknown outcome.
    pub unknown: u64,
    /// Outbound messages that failed.
    pub failed: u64,
    /// Sends repeated without knowing whether the first arrived.
    pub resent: u64,
}

/// A channel in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelSummary {
    /// The channel account.
    pub channel_id: ChannelId,
    /// Where it stands.
    pub state: ChannelState,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// With `deep`: whether a round trip with the service succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_ok: Option<bool>,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorageStatus {
    /// Whether it answers.
    pub ok: bool,
    /// `sqlite`, `memory`, …
    pub engine: String,
    /// The engine's version.
    pub version: String,
    /// The schema's version.
    pub schema: i64,
    /// The size in bytes; 0 where it is not known.
    pub size_bytes: u64,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What reading the configuration again did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReloadResult {
    /// The dotted keys that changed and are in effect.
    pub changed: Vec<String>,
    /// The dotted keys that changed and take effect with the next start.
    pub needs_restart: Vec<String>,
}

/// The result of `gateway.stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayStopResult {
    /// Always true.
    pub stopping: bool,
    /// The process that is about to exit.
    pub pid: u32,
}
