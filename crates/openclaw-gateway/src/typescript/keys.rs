//! Session keys as these clients write them.

use openclaw_core::{AgentId, RunId, SessionKey};
use openclaw_protocol::typescript::WireError;

use crate::GatewayState;

/// The session of a key: a whole key, `main`, or the rest of a key of the default agent.
pub(super) fn session(state: &GatewayState, text: &str) -> Result<SessionKey, WireError> {
    let text = text.trim();
    let config = state.config.current();
    let agent = &config.default_agent().id;
    let key = if text.starts_with("agent:") {
        SessionKey::parse(text)
    } else {
        SessionKey::new(agent, text)
    };
    key.map_err(|error| WireError::invalid(error.to_string()))
}

/// The agent of an id.
pub(super) fn agent(state: &GatewayState, text: &str) -> Result<AgentId, WireError> {
    let unknown = || WireError::invalid("unknown agent id");
    let agent = AgentId::new(text.trim().to_lowercase()).map_err(|_| unknown())?;
    state.config.current().agent(&agent).map(|_| agent.clone()).ok_or_else(unknown)
}

/// The run of an idempotency key.
pub(super) fn run(text: &str) -> Result<RunId, WireError> {
    RunId::new(text).map_err(|error| WireError::invalid(error.to_string()))
}

/// What kind of conversation a key stands for.
pub(super) fn kind(key: &SessionKey) -> &'static str {
    let is_group = key.rest().split(':').any(|part| matches!(part, "group" | "channel"));
    if is_group { "group" } else { "direct" }
}
