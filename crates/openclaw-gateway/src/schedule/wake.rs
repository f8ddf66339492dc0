//! What happened, for the main session to hear of.

use std::sync::Arc;

use openclaw_core::{AgentId, ChannelId, RunId, SessionKey, UserId};
use openclaw_errors::OpenClawError;
use openclaw_storage::Write;
use openclaw_storage::rows::RunOptions;

use super::PRINCIPAL;
use crate::GatewayState;
use crate::ingress::Scheduled;

/// Events that wait for an agent's heartbeat, by agent.
const WAITING: &str = "heartbeat.events.";
/// The most that are told with one heartbeat.
const MOST: usize = 50;

/// Notes something for the main session: the model reads it with its next turn, and a heartbeat
/// is given it.
///
/// # Errors
/// When it cannot be stored.
pub(crate) async fn note_for_main(
    state: &Arc<GatewayState>,
    agent: &AgentId,
    text: &str,
) -> Result<(), OpenClawError> {
    let unusable = |error| OpenClawError::internal("an id is unusable").with_source(error);
    let scheduled = Scheduled {
        run_id: RunId::new(state.ids.new_id()).map_err(unusable)?,
        principal: PRINCIPAL.to_owned(),
        session_key: SessionKey::main(agent),
        channel_id: ChannelId::web(),
        sender: UserId::new(PRINCIPAL).map_err(unusable)?,
        reply_to: None,
        text: text.to_owned(),
        options: RunOptions::default(),
        with: waiting_event(state, agent, text).into_iter().collect(),
    };
    let is_busy =
        state.lanes.active_runs().iter().any(|run| run.session_key == scheduled.session_key);
    // An entry between a call of a tool and its result is one that models refuse: then it is a turn
    // of its own, after the one at work.
    match is_busy {
        true => state.ingress.accept_scheduled(&scheduled).await?,
        false => state.ingress.note_event(&scheduled).await?,
    };
    Ok(())
}

/// The write that keeps an event until the agent's next heartbeat; none where it has no heartbeats.
pub(super) fn waiting_event(state: &GatewayState, agent: &AgentId, text: &str) -> Option<Write> {
    state.config.current().heartbeats.get(agent)?;
    let key = format!("{WAITING}{agent}.{}", state.ids.new_id());
    Some(Write::PutValue { key, value: text.to_owned(), expect: None })
}

/// The events that wait for an agent's heartbeat, oldest first, with their keys.
pub(super) async fn waiting(
    state: &GatewayState,
    agent: &AgentId,
) -> Result<Vec<(String, String)>, OpenClawError> {
    let mut events = state.storage.values(&format!("{WAITING}{agent}.")).await?;
    events.truncate(MOST);
    Ok(events)
}
