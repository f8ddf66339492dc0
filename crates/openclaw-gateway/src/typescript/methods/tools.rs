use openclaw_core::ToolName;
use openclaw_protocol::methods::{ToolCall, ToolCallParams};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{ToolsCatalogParams, ToolsInvokeParams};
use openclaw_tools::ToolPolicy;
use serde_json::{Value, json};

use super::super::keys;
use super::Call;

pub(super) fn catalog(call: Call<'_>) -> Result<Value, WireError> {
    let params: ToolsCatalogParams = call.params()?;
    let agent = match &params.agent_id {
        Some(agent) => keys::agent(call.state, agent)?,
        None => call.state.config.current().default_agent().id.clone(),
    };
    let config = call.state.config.current();
    let own = config.agent(&agent).and_then(|agent| agent.tools.as_ref());
    let policy = ToolPolicy::new(&config.tools, own);
    let tools: Vec<Value> = call
        .state
        .tools
        .definitions(&policy, &agent)
        .iter()
        .map(|tool| {
            json!({
                "id": tool.name,
                "label": tool.name,
                "description": tool.description,
                "source": "core",
                "defaultProfiles": [],
            })
        })
        .collect();
    Ok(json!({
        "agentId": agent,
        "profiles": [],
        "groups": [{ "id": "core", "label": "Built in", "source": "core", "tools": tools }],
    }))
}

pub(super) async fn invoke(call: Call<'_>) -> Result<Value, WireError> {
    let params: ToolsInvokeParams = call.params()?;
    let name = ToolName::new(params.name).map_err(|error| WireError::invalid(error.to_string()))?;
    let session_key =
        params.session_key.as_deref().map(|key| keys::session(call.state, key)).transpose()?;
    let asked = ToolCallParams { name: name.clone(), arguments: params.args, session_key };
    let result = call.of::<ToolCall>(asked).await?;
    if result.is_error {
        return Ok(json!({
            "ok": false,
            "toolName": name,
            "error": { "code": "tool_error", "message": result.result },
        }));
    }
    Ok(json!({ "ok": true, "toolName": name, "output": result.result }))
}
