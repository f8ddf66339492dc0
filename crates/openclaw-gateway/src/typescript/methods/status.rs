use openclaw_agents::model::{ModelFacts, candidates};
use openclaw_config::StorageBackend;
use openclaw_core::{AgentId, Session};
use openclaw_protocol::methods::{SessionList, SessionListParams};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::Nothing;
use openclaw_protocol::{Scope, ScopeSet};
use serde_json::{Value, json};

use super::{Call, channels, health, sessions};
use crate::GatewayState;

/// Sessions named for each agent.
const RECENT: usize = 10;

pub(super) async fn status(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let state = call.state;
    let config = state.config.current();
    let default_agent = config.default_agent().id.clone();
    let path = store_path(state, call.scopes());
    let params = SessionListParams { limit: Some(1_000), ..SessionListParams::default() };
    let page = call.of::<SessionList>(params).await?;
    let count =
        state.storage.count_sessions().await.map_err(openclaw_errors::OpenClawError::from)?;
    let now = state.clock.now();
    let row = |session: &Session| sessions::status_row(state, session, now);
    let by_agent: Vec<Value> = config
        .agents
        .iter()
        .map(|agent| {
            let of_agent: Vec<_> =
                page.sessions.iter().filter(|session| session.agent_id == agent.id).collect();
            let recent: Vec<Value> =
                of_agent.iter().take(RECENT).map(|session| row(session)).collect();
            json!({ "agentId": agent.id, "path": path, "count": of_agent.len(), "recent": recent })
        })
        .collect();
    let recent: Vec<Value> = page.sessions.iter().take(RECENT).map(row).collect();
    let heartbeats: Vec<Value> = config
        .agents
        .iter()
        .map(|agent| {
            let beat = health::heartbeat(state, &agent.id);
            json!({
                "agentId": agent.id,
                "enabled": beat["enabled"],
                "every": beat["every"],
                "everyMs": beat["everyMs"],
            })
        })
        .collect();
    let (_, model, tokens) = model_of(state, &default_agent);
    Ok(json!({
        "heartbeat": { "defaultAgentId": default_agent, "agents": heartbeats },
        "channelSummary": channels::lines(state),
        "queuedSystemEvents": [],
        "sessions": {
            "paths": path.iter().collect::<Vec<_>>(),
            "count": count,
            "defaults": { "model": model, "contextTokens": tokens },
            "recent": recent,
            "byAgent": by_agent,
        },
    }))
}

/// Where sessions are kept, for those who may change that.
pub(super) fn store_path(state: &GatewayState, scopes: ScopeSet) -> Option<String> {
    scopes.allows(Scope::Admin).then(|| match &state.config.current().storage {
        StorageBackend::Sqlite { path } => path.display().to_string(),
        StorageBackend::Postgres { .. } => "postgres".to_owned(),
        StorageBackend::Memory => "memory".to_owned(),
    })
}

/// The provider, the model and the context window of an agent; `None` where there is no model.
pub(super) fn model_of(
    state: &GatewayState,
    agent: &AgentId,
) -> (Option<String>, Option<String>, Option<u64>) {
    let config = state.config.current();
    let first = candidates(&config, None, None, agent).ok().and_then(|all| all.into_iter().next());
    match first {
        None => (None, None, None),
        Some(first) => {
            let facts = ModelFacts::of(&first.provider.name, first.provider.api, &first.model);
            let window = facts.context_window;
            let own = config.agent(agent).and_then(|agent| agent.max_context_tokens);
            (Some(first.provider.name), Some(first.model), own.or(Some(window)))
        }
    }
}
