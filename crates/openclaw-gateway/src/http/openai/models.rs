use openclaw_protocol::openai::{Model, ModelList};

use super::ask::agent_of;
use super::error::Refused;
use crate::GatewayState;

/// `GET /v1/models`.
pub(super) fn list(state: &GatewayState) -> ModelList {
    let config = state.config.current();
    let agents = config.agents.iter().map(|agent| format!("openclaw/{}", agent.id));
    let ids = std::iter::once("openclaw".to_owned()).chain(agents);
    ModelList { object: "list".to_owned(), data: ids.map(|id| model(state, id)).collect() }
}

/// `GET /v1/models/{model}`.
///
/// # Errors
/// 404 when there is none of this name.
pub(super) fn get(state: &GatewayState, name: &str) -> Result<Model, Refused> {
    agent_of(state, name)?;
    Ok(model(state, name.to_owned()))
}

fn model(state: &GatewayState, id: String) -> Model {
    Model {
        id,
        object: "model".to_owned(),
        created: state.identity.started_at.as_millis() / 1_000,
        owned_by: "openclaw".to_owned(),
    }
}
