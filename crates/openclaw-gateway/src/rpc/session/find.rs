use openclaw_core::{AgentId, Session, SessionId, SessionKey};
use openclaw_errors::OpenClawError;

use crate::GatewayState;

/// The session that exactly one of id and key names; by id ended ones too.
pub(in crate::rpc) async fn find(
    state: &GatewayState,
    id: Option<&SessionId>,
    key: Option<&SessionKey>,
) -> Result<Session, OpenClawError> {
    match (id, key) {
        (Some(id), None) => state
            .storage
            .session(id)
            .await?
            .ok_or_else(|| OpenClawError::not_found(format!("no session {id}"))),
        (None, Some(key)) => by_key(state, key).await,
        _ => Err(OpenClawError::invalid_params(
            "session_key",
            "give exactly one of session_id and session_key",
        )),
    }
}

/// As [`find`], but an ended session is none.
pub(in crate::rpc) async fn find_live(
    state: &GatewayState,
    id: Option<&SessionId>,
    key: Option<&SessionKey>,
) -> Result<Session, OpenClawError> {
    let session = find(state, id, key).await?;
    if session.ended_at.is_some() {
        return Err(OpenClawError::not_found(format!("session {} has ended", session.id))
            .with_hint("its key may hold a newer session"));
    }
    Ok(session)
}

/// The live session of a key; a key of an agent that is not configured is no key.
pub(in crate::rpc) async fn by_key(
    state: &GatewayState,
    key: &SessionKey,
) -> Result<Session, OpenClawError> {
    if let Some(session) = state.storage.session_by_key(key).await? {
        return Ok(session);
    }
    check_agent(state, &key.agent_id(), "session_key")?;
    Err(OpenClawError::not_found(format!("no session {key}"))
        .with_hint("session.list shows those that live"))
}

/// Refuses an agent that is not configured.
pub(in crate::rpc) fn check_agent(
    state: &GatewayState,
    agent: &AgentId,
    field: &str,
) -> Result<(), OpenClawError> {
    if state.config.current().agent(agent).is_some() {
        return Ok(());
    }
    Err(OpenClawError::invalid_params(field, format!("there is no agent {agent}"))
        .with_hint("agents are those in [[agents.list]], and main"))
}
