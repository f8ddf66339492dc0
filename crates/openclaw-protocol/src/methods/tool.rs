use openclaw_core::{CallId, MediaRef, SessionKey, ToolName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `tool.call`.
    ToolCall, "tool.call", Access::Scope(Scope::Write), ToolCallParams => ToolResult,
    "Calls a tool as the agent would, under the same policy and approvals. What the tool itself reports as wrong is a result with `is_error`."
}

method! {
    /// `tool.list`.
    ToolList, "tool.list", Access::Scope(Scope::Write), ToolListParams => ToolListResult,
    "Lists the tools that may be called in a session: what the agent's model is offered there."
}

/// The params of `tool.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolListParams {
    /// Where; default the owner's main session `agent:main:main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

/// The result of `tool.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolListResult {
    /// The tools, always in the same order.
    pub tools: Vec<ListedTool>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListedTool {
    /// What it is called.
    pub name: ToolName,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Map<String, Value>,
}

/// The params of `tool.call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolCallParams {
    /// The tool, or an alias of it.
    pub name: ToolName,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// In whose name; default the owner's main session `agent:main:main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

/// The result of `tool.call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolResult {
    /// The call.
    pub call_id: CallId,
    /// The tool.
    pub name: ToolName,
    /// What came out, as the model would see it.
    pub result: String,
    /// Whether the call failed.
    pub is_error: bool,
    /// Files it produced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaRef>,
}
