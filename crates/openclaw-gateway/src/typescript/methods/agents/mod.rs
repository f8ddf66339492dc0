//! `agents.*` and `agent.identity.get`.

mod edit;
pub(super) mod files;

use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{AgentIdentityParams, Nothing};
use serde_json::{Value, json};

use super::super::keys;
use super::Call;

pub(super) use edit::{create, delete, update};

pub(super) fn list(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let config = call.state.config.current();
    let agents: Vec<Value> = config.agents.iter().map(|agent| json!({ "id": agent.id })).collect();
    Ok(json!({
        "defaultId": config.default_agent().id,
        "mainKey": "main",
        "scope": "per-sender",
        "agents": agents,
    }))
}

pub(super) fn identity(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentIdentityParams = call.params()?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let agent = match (given(params.agent_id), given(params.session_key)) {
        (Some(agent), _) => keys::agent(call.state, &agent)?,
        (None, Some(key)) => keys::session(call.state, &key)?.agent_id(),
        (None, None) => call.state.config.current().default_agent().id.clone(),
    };
    Ok(json!({ "agentId": agent, "name": "Assistant", "avatar": "A" }))
}
