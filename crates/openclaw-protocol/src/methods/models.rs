use std::collections::BTreeMap;

use openclaw_core::{AgentId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `models.list`.
    ModelsList, "models.list", Access::Scope(Scope::Read), ModelsListParams => ModelsListResult,
    "Lists the models that the configuration names, or all that are known of its providers."
}
method! {
    /// `models.status`.
    ModelsStatusGet, "models.status", Access::Scope(Scope::Read), ModelsStatusParams => ModelsStatusResult,
    "Tells which model an agent asks, with which providers and keys, what cools down and what was used."
}
method! {
    /// `models.probe`.
    ModelsProbe, "models.probe", Access::Scope(Scope::Write), ModelsProbeParams => ModelsProbeResult,
    "Asks models for a word, each with every key, and tells how long it took or what failed."
}

/// The params of `models.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsListParams {
    /// Only those of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Also those that the configuration does not name.
    #[serde(default)]
    pub all: bool,
}

/// The result of `models.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelsListResult {
    /// The models, by provider and id.
    pub models: Vec<ModelEntry>,
}

/// A model and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelEntry {
    /// `provider/model`.
    pub name: String,
    /// Short names of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Whether the configuration names it.
    pub configured: bool,
    /// Tokens it reads and writes in one request.
    pub context_window: u64,
    /// The most tokens of an answer.
    pub max_output_tokens: u64,
    /// Whether it sees images.
    pub images: bool,
    /// Whether it thinks when told to.
    pub thinks: bool,
    /// What it costs; absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<ModelEntryPrices>,
}

/// Prices in millionths of a US dollar per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelEntryPrices {
    /// Input that is not cached.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Input read from the cache.
    pub cache_read: u64,
    /// Input written to the cache.
    pub cache_write: u64,
}

/// The params of `models.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsStatusParams {
    /// Whose models; default the default agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
}

/// The result of `models.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelsStatusResult {
    /// The agent.
    pub agent_id: AgentId,
    /// The model it asks first; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The models it asks then, in order.
    pub fallbacks: Vec<String>,
    /// Short names and the models they stand for.
    pub aliases: BTreeMap<String, String>,
    /// The providers.
    pub providers: Vec<ProviderEntry>,
    /// What failed lately and is asked last.
    pub cooldowns: Vec<CooldownEntry>,
    /// What the agent used today and may use; absent where no gateway was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<TodayUsage>,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderEntry {
    /// The name before the slash.
    pub name: String,
    /// The wire it speaks.
    pub api: String,
    /// Its root.
    pub base_url: String,
    /// Where its keys come from.
    pub source: CredentialSource,
    /// The short names of its keys.
    pub keys: Vec<String>,
}

/// Where a provider's keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialSource {
    /// `[models.providers.<name>]`, where a key may still be the environment's.
    Config,
    /// The provider was found by a variable of the environment.
    Environment,
    /// It is asked without a key.
    None,
}

/// One cooldown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CooldownEntry {
    /// The key's short name.
    pub credential: String,
    /// `provider/model`.
    pub model: String,
    /// What failed: `auth`, `billing`, `rate_limit`, `overloaded`, `server`, `timeout`, `transport`,
    /// `unreadable` or `unknown_model`.
    pub class: String,
    /// How often in a row.
    pub failures: u32,
    /// When it ends.
    pub until: Timestamp,
}

/// What an agent used today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TodayUsage {
    /// What it used.
    pub usage: openclaw_core::Usage,
    /// The most it may cost, in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_micro_usd: Option<u64>,
    /// The most tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// When the day ends.
    pub until: Timestamp,
}

/// The params of `models.probe`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelsProbeParams {
    /// One model or alias; default the agent's model and its fallbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whose models; default the default agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// The time limit of each request, 100 to 60,000; default 15,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// The result of `models.probe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelsProbeResult {
    /// One per model and key, in the order they are asked.
    pub probes: Vec<ProbeEntry>,
}

/// What one request came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeEntry {
    /// `provider/model`.
    pub model: String,
    /// The key's short name.
    pub credential: String,
    /// How long a whole answer took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The class of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What the provider said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
