//! What a turn would be prepared with, for those who only look or shorten.

use std::sync::Arc;

use openclaw_core::CompactionPhase;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::Turn;
use openclaw_storage::EventDraft;

use super::caller::Caller;
use super::policy::Allowed;
use super::prepare::{system_sections, taken, window_for};
use super::record::{NotCommitted, Recorder};
use crate::asking;
use crate::contexts::missing_model;
use crate::model::{Model, candidates};
use crate::prompt::Section;
use crate::runner::AgentRunner;
use crate::tokens::Window;
use crate::transcript::SummaryEntry;

/// What a request of a session would hold besides its conversation.
pub(crate) struct Overview {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) window: Window,
    pub(crate) sections: Vec<Section>,
    /// The bytes of the tools' definitions.
    pub(crate) tools: usize,
}

pub(crate) async fn overview(runner: &AgentRunner, turn: &Turn) -> Result<Overview, OpenClawError> {
    let (config, session) = (&turn.config, &turn.session);
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    if let Some(missing) = missing_model(turn) {
        return Err(missing);
    }
    let found = candidates(config, Some(session), None, &session.agent_id)
        .map_err(|missing| OpenClawError::new(ErrorKind::Unavailable, missing.to_string()))?;
    let (model, facts) = runner
        .models
        .chain(&found, settings.model_idle_timeout, session.id.as_str())
        .map_err(|error| OpenClawError::new(ErrorKind::Agent, error.to_string()))?;
    let storage = runner.deps.storage.as_ref();
    let by_owner =
        asking::is_owners_run(storage, config, session, &turn.run_id, &turn.inputs).await?;
    let allowed = Allowed::new(runner, turn, &Caller::default(), &[], by_owner);
    let sections = system_sections(runner, turn, &facts, !allowed.tools.is_empty()).await;
    let system: usize = sections.iter().map(|section| section.text.len()).sum();
    let tools = taken("", &allowed.tools);
    let window = window_for(runner, turn, (model.name(), &facts), system + tools);
    Ok(Overview { model, window, sections, tools })
}

/// A summary that is to be stored.
pub(crate) struct CompactionStored<'a> {
    pub(crate) entry: &'a SummaryEntry,
    pub(crate) before_tokens: u64,
    pub(crate) after_tokens: u64,
}

/// Stores a summary under the turn's fence, and tells of it.
pub(crate) async fn store_compaction(
    runner: &AgentRunner,
    turn: &Turn,
    stored: CompactionStored<'_>,
) -> Result<(), String> {
    let recorder = Recorder::new(runner.deps.storage.clone(), runner.deps.clock.clone(), turn);
    commit(&recorder, stored).await.map_err(|NotCommitted(reason)| reason)
}

pub(super) async fn commit(
    recorder: &Recorder,
    stored: CompactionStored<'_>,
) -> Result<(), NotCommitted> {
    let CompactionStored { entry, before_tokens, after_tokens } = stored;
    let data = serde_json::json!({
        "phase": CompactionPhase::Finished, "before_tokens": before_tokens,
        "after_tokens": after_tokens, "model": entry.model,
    });
    let event = EventDraft { topic: "agent.compaction", message_id: None, data: Some(data) };
    recorder.commit(vec![(Some(entry.draft()), Some(event))]).await
}
