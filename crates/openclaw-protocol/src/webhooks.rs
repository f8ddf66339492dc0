//! Webhooks in, and single tool calls over HTTP: what goes over the wire besides JSON-RPC.

use openclaw_core::ThinkingLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The body of `POST /hooks/wake`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct WakeRequest {
    /// What the main session is told.
    #[schemars(length(min = 1))]
    pub text: String,
    /// When it is heeded; `now` where it is left out.
    #[serde(default)]
    pub mode: Option<WakeWhen>,
}

/// When a wake is heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WakeWhen {
    /// At once.
    #[default]
    Now,
    /// When the assistant next looks around by itself.
    NextHeartbeat,
}

/// The answer to a wake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WakeAccepted {
    /// Always true.
    pub ok: bool,
    /// When it is heeded.
    pub mode: WakeWhen,
}

/// The body of `POST /hooks/agent`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentHookRequest {
    /// What the agent is told.
    #[schemars(length(min = 1))]
    pub message: String,
    /// What it is told that this comes from.
    #[serde(default)]
    pub name: Option<String>,
    /// The agent.
    #[serde(default, alias = "agent_id")]
    pub agent_id: Option<String>,
    /// The session, where requests may name one.
    #[serde(default, alias = "session_key")]
    pub session_key: Option<String>,
    /// Not used: the agent runs at once.
    #[serde(default, alias = "wake_mode")]
    pub wake_mode: Option<WakeWhen>,
    /// Whether the answer is sent to a chat; it is where this is left out.
    #[serde(default)]
    pub deliver: Option<bool>,
    /// The channel that it is sent through; `last` is where the owner was last.
    #[serde(default)]
    pub channel: Option<String>,
    /// The chat that it is sent to.
    #[serde(default)]
    pub to: Option<String>,
    /// `provider/model`.
    #[serde(default)]
    pub model: Option<String>,
    /// How much to think.
    #[serde(default)]
    pub thinking: Option<ThinkingLevel>,
    /// The time limit of the run.
    #[serde(default, alias = "timeout_seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub timeout_seconds: Option<u64>,
    /// Whether the message is taken as the owner's own words.
    #[serde(default, alias = "allow_unsafe_external_content")]
    pub allow_unsafe_external_content: Option<bool>,
}

/// The answer to a hook that runs the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookAccepted {
    /// Always true.
    pub ok: bool,
    /// The run.
    pub run_id: String,
}

/// Why a hook is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookRefused {
    /// Always false.
    pub ok: bool,
    /// Why.
    pub error: String,
}

/// The body of `POST /tools/invoke`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolInvokeRequest {
    /// The tool.
    pub tool: String,
    /// Put among the arguments as `action`, where they have none.
    #[serde(default)]
    pub action: Option<String>,
    /// The arguments.
    #[serde(default)]
    pub args: Option<Map<String, Value>>,
    /// In whose name; default the owner's main session.
    #[serde(default, alias = "session_key")]
    pub session_key: Option<String>,
    /// Only tells whether the tool may be called.
    #[serde(default, alias = "dry_run")]
    pub dry_run: Option<bool>,
}

/// The answer to a tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolInvoked {
    /// Always true.
    pub ok: bool,
    /// What came out; null for a dry run.
    pub result: Option<crate::methods::ToolResult>,
}

/// Why a tool was not called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolNotInvoked {
    /// Always false.
    pub ok: bool,
    /// Why.
    pub error: ToolProblem,
}

/// Why a tool was not called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolProblem {
    /// A stable name.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub message: String,
}
