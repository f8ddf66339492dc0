use openclaw_core::{AgentId, write_duration};
use openclaw_errors::OpenClawError;
use openclaw_protocol::ScopeSet;
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::HealthParams;
use openclaw_storage::rows::SessionQuery;
use serde_json::{Map, Value, json};

use super::{Call, channels, status};
use crate::GatewayState;

/// Sessions named in the summary.
const RECENT: u32 = 5;
/// Sessions counted for each of several agents.
const MOST: u32 = 1_000;

pub(super) async fn health(call: Call<'_>) -> Result<Value, WireError> {
    let _: HealthParams = call.params()?;
    Ok(snapshot(call.state, call.scopes()).await?)
}

/// How things stand, in short, for who may do so much.
pub(crate) async fn snapshot(
    state: &GatewayState,
    scopes: ScopeSet,
) -> Result<Value, OpenClawError> {
    let began = state.clock.now();
    let config = state.config.current();
    let default_agent = &config.default_agent().id;
    let is_only = config.agents.len() == 1;
    let mut agents = Vec::new();
    let mut of_default = Value::Null;
    for agent in &config.agents {
        let sessions = sessions(state, &agent.id, is_only, scopes).await?;
        let is_default = agent.id == *default_agent;
        if is_default {
            of_default = sessions.clone();
        }
        agents.push(json!({
            "agentId": agent.id,
            "isDefault": is_default,
            "heartbeat": heartbeat(state, &agent.id),
            "sessions": sessions,
        }));
    }
    let all = channels::accounts(state);
    let summaries: Map<String, Value> =
        all.iter().map(|account| (account.kind.clone(), account.summary.clone())).collect();
    let labels: Map<String, Value> =
        all.iter().map(|account| (account.kind.clone(), json!(account.label))).collect();
    let order: Vec<&String> = labels.keys().collect();
    let took = state.clock.now().since(began).as_millis();
    Ok(json!({
        "ok": true,
        "ts": began.as_millis(),
        "durationMs": u64::try_from(took).unwrap_or(u64::MAX),
        "channels": summaries,
        "channelOrder": order,
        "channelLabels": labels,
        "heartbeatSeconds": 0,
        "defaultAgentId": default_agent,
        "agents": agents,
        "sessions": of_default,
    }))
}

/// The heartbeat of an agent.
pub(super) fn heartbeat(state: &GatewayState, agent: &AgentId) -> Value {
    let config = state.config.current();
    let settings = config.heartbeats.get(agent).filter(|_| state.clockwork.heartbeats_run());
    let Some(settings) = settings else {
        return json!({
            "enabled": false,
            "every": "disabled",
            "everyMs": null,
            "prompt": "",
            "target": "none",
            "ackMaxChars": 300,
        });
    };
    let every = u64::try_from(settings.every.as_millis()).unwrap_or(u64::MAX);
    json!({
        "enabled": true,
        "every": write_duration(every),
        "everyMs": every,
        "prompt": settings.prompt,
        "target": settings.target,
        "ackMaxChars": settings.ack_max_chars,
    })
}

async fn sessions(
    state: &GatewayState,
    agent: &AgentId,
    is_only: bool,
    scopes: ScopeSet,
) -> Result<Value, OpenClawError> {
    let now = state.clock.now();
    // The store counts all agents together.
    let limit = if is_only { RECENT } else { MOST };
    let query = SessionQuery { limit, agent_id: Some(agent.clone()), ..SessionQuery::default() };
    let page = state.storage.list_sessions(&query).await?;
    let count =
        if is_only { state.storage.count_sessions().await? } else { page.items.len() as u64 };
    let recent: Vec<Value> = page
        .items
        .iter()
        .take(RECENT as usize)
        .map(|session| {
            let at = session.last_activity_at;
            let age = u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX);
            json!({ "key": session.session_key, "updatedAt": at.as_millis(), "age": age })
        })
        .collect();
    let path = status::store_path(state, scopes);
    Ok(json!({ "path": path, "count": count, "recent": recent }))
}
