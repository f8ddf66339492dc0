//! Heartbeats: the agent looks by itself whether something needs its owner.
//!
//! A beat costs a model call only where there is something to look at: HEARTBEAT.md says something,
//! or something happened that waits to be told.

use std::path::Path;
use std::sync::Arc;

use openclaw_agents::schedule::{
    Alert, BACK_OFF, HeartbeatStanding, RunData, Trigger, is_effectively_empty, is_within,
    judge_alert, next_beat, slot_of,
};
use openclaw_config::{HeartbeatSession, HeartbeatSettings};
use openclaw_core::{AgentId, ChannelId, JobId, RunId, SessionKey, Timestamp, UserId};
use openclaw_errors::OpenClawError;
use openclaw_storage::rows::{JobRunRow, JobRunStatus, RunOptions};
use openclaw_storage::{ApplyError, Batch, Write};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::finish::{self, Ended};
use super::{PRINCIPAL, deliver, wake};
use crate::GatewayState;
use crate::ingress::{Scheduled, ScheduledFate};

const FILE: &str = "HEARTBEAT.md";
/// A longer file says something.
const LONGEST_FILE: u64 = 256 * 1024;
const STANDING: &str = "heartbeat.standing.";
const PREVIEW: usize = 200;

/// Why a beat is not run.
enum Skipped {
    QuietHours,
    Busy,
    NothingToDo,
    Failing,
}

impl Skipped {
    fn reason(&self) -> &'static str {
        match self {
            Self::QuietHours => "quiet-hours",
            Self::Busy => "requests-in-flight",
            Self::NothingToDo => "empty-heartbeat-file",
            Self::Failing => "failing",
        }
    }
}

/// Runs the beats that are due; answers when the next one is.
pub(super) async fn look(state: &Arc<GatewayState>, tasks: &TaskTracker) -> Option<Timestamp> {
    if !state.clockwork.heartbeats_run() {
        return None;
    }
    let config = state.config.current();
    let mut next: Option<Timestamp> = None;
    for (agent, settings) in &config.heartbeats {
        let now = state.clock.now();
        let beat = next_beat(now, settings.every);
        next = Some(next.map_or(beat, |other| other.min(beat)));
        let slot = slot_of(now, settings.every);
        if !is_new(state, agent, slot) {
            continue;
        }
        match try_beat(state, agent, settings, slot).await {
            Ok(Ok(Some(run_id))) => finish::follow(state, tasks, run_id),
            Ok(Ok(None)) => {}
            Ok(Err(skipped)) => {
                tracing::debug!(%agent, reason = skipped.reason(), "a heartbeat is left out");
                tell(state, "skipped", Some(skipped.reason()), None, None);
            }
            Err(error) => {
                tracing::warn!(%agent, error = error.report(), "a heartbeat could not be run");
            }
        }
    }
    next
}

/// Whether a beat has not been dealt with. The one that a start falls into has.
fn is_new(state: &GatewayState, agent: &AgentId, slot: Timestamp) -> bool {
    let mut inner = state.clockwork.inner();
    match inner.beats.iter_mut().find(|(id, _)| id == agent) {
        Some((_, last)) => slot > std::mem::replace(last, slot.max(*last)),
        None => {
            inner.beats.push((agent.clone(), slot));
            false
        }
    }
}

fn job_of(agent: &AgentId) -> Result<JobId, OpenClawError> {
    JobId::new(format!("heartbeat-{agent}")).map_err(unusable)
}

fn unusable(error: openclaw_core::InvalidId) -> OpenClawError {
    OpenClawError::internal("a heartbeat has no id").with_source(error)
}

async fn try_beat(
    state: &Arc<GatewayState>,
    agent: &AgentId,
    settings: &HeartbeatSettings,
    slot: Timestamp,
) -> Result<Result<Option<RunId>, Skipped>, OpenClawError> {
    if !is_within(settings.active_hours.as_ref(), state.clock.now(), state.jobs.zone()) {
        return Ok(Err(Skipped::QuietHours));
    }
    let main = SessionKey::main(agent);
    let is_busy = !state.storage.open_inputs(&main, 1).await?.is_empty();
    let job_id = job_of(agent)?;
    let last = state.storage.job_runs(&job_id, 1).await?;
    if is_busy || last.iter().any(|run| run.finished_at.is_none()) {
        return Ok(Err(Skipped::Busy));
    }
    let events = wake::waiting(state, agent).await?;
    let config = state.config.current();
    let Some(owner) = config.agent(agent) else { return Ok(Err(Skipped::NothingToDo)) };
    if events.is_empty() && has_nothing_to_say(&owner.workspace).await {
        return Ok(Err(Skipped::NothingToDo));
    }
    let standing = standing(state, agent).await?;
    if standing.not_before.is_some_and(|moment| moment > state.clock.now()) {
        return Ok(Err(Skipped::Failing));
    }
    begin(state, agent, settings, slot, job_id, events).await.map(Ok)
}

async fn begin(
    state: &Arc<GatewayState>,
    agent: &AgentId,
    settings: &HeartbeatSettings,
    slot: Timestamp,
    job_id: JobId,
    events: Vec<(String, String)>,
) -> Result<Option<RunId>, OpenClawError> {
    let run_id = RunId::new(format!("heartbeat:{agent}:{}", slot.as_millis())).map_err(unusable)?;
    let session_key = match settings.session {
        HeartbeatSession::Main => SessionKey::main(agent),
        HeartbeatSession::Isolated => {
            SessionKey::new(agent, &format!("heartbeat:run:{}", slot.as_millis()))
                .map_err(|error| OpenClawError::internal("no session").with_source(error))?
        }
    };
    let mut text = settings.prompt.clone();
    if !events.is_empty() {
        text.push_str("\n\nThis happened since the last heartbeat:");
        for (_, event) in &events {
            text.push_str(&format!("\n- {}", event.trim()));
        }
    }
    let receipt = JobRunRow {
        job_id,
        slot,
        run_id: Some(run_id.clone()),
        session_key: Some(session_key.clone()),
        session_id: None,
        status: JobRunStatus::Running,
        data: json!(RunData::new(Trigger::Heartbeat, "heartbeat", 0)),
        owner: state.identity.gateway_id.clone(),
        started_at: state.clock.now(),
        finished_at: None,
    };
    let mut with = vec![Write::StartJobRun(Box::new(receipt))];
    with.extend(events.into_iter().map(|(key, _)| Write::DeleteValue { key }));
    let scheduled = Scheduled {
        run_id: run_id.clone(),
        principal: PRINCIPAL.to_owned(),
        session_key,
        channel_id: ChannelId::web(),
        sender: UserId::new(PRINCIPAL).map_err(unusable)?,
        reply_to: None,
        text,
        options: RunOptions { model: settings.model.clone(), ..RunOptions::default() },
        with,
    };
    let fate = state.ingress.accept_scheduled(&scheduled).await?;
    Ok((fate == ScheduledFate::Accepted).then_some(run_id))
}

/// Whether the file is missing or holds nothing to look at.
async fn has_nothing_to_say(workspace: &Path) -> bool {
    let path = workspace.join(FILE);
    match tokio::fs::symlink_metadata(&path).await {
        Ok(found) if !found.is_file() => return true,
        Ok(found) if found.len() > LONGEST_FILE => return false,
        Ok(_) => {}
        Err(_) => return true,
    }
    tokio::fs::read_to_string(&path).await.is_ok_and(|text| is_effectively_empty(&text))
}

async fn standing(
    state: &GatewayState,
    agent: &AgentId,
) -> Result<HeartbeatStanding, OpenClawError> {
    let stored = state.storage.value(&format!("{STANDING}{agent}")).await?;
    // What an older version wrote counts as nothing.
    Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Deals with the end of a beat: says what is to be said, once.
pub(super) async fn finish(
    state: &Arc<GatewayState>,
    receipt: JobRunRow,
    mut data: RunData,
    ended: Ended,
) -> Result<(), OpenClawError> {
    let agent = receipt
        .session_key
        .as_ref()
        .map_or_else(AgentId::main, openclaw_core::SessionKey::agent_id);
    let config = state.config.current();
    let settings = config.heartbeats.get(&agent).cloned().unwrap_or_default();
    let now = state.clock.now();
    let mut standing = standing(state, &agent).await?;
    let judged = match ended.error {
        None => {
            (standing.failures, standing.not_before) = (0, None);
            Some(judge_alert(&ended.reply, &settings, &mut standing, now))
        }
        Some(_) => {
            let pause = BACK_OFF[(standing.failures as usize).min(BACK_OFF.len() - 1)];
            standing.failures = standing.failures.saturating_add(1);
            standing.not_before = Some(now.plus(pause));
            None
        }
    };
    let mut error = ended.error.clone();
    let (status, reason) = match &judged {
        None => ("failed", error.clone()),
        Some(Alert::Quiet) if ended.reply.trim().is_empty() => ("ok-empty", None),
        Some(Alert::Quiet) => ("ok-token", None),
        Some(Alert::Repeated) => ("skipped", Some("duplicate".to_owned())),
        Some(Alert::Say(_)) if settings.target == "none" => {
            ("skipped", Some("no-target".to_owned()))
        }
        Some(Alert::Say(text)) => {
            let key = receipt.run_id.as_ref().map(ToString::to_string).unwrap_or_default();
            let wanted = (Some(settings.target.as_str()), settings.to.as_deref());
            match deliver::say(state, &SessionKey::main(&agent), wanted, text, key).await {
                Ok(how) => {
                    data.delivery = Some(how);
                    ("sent", None)
                }
                Err(failed) => {
                    (standing.alert, standing.alerted_at) = (None, None);
                    error = Some(failed.message().to_owned());
                    ("failed", error.clone())
                }
            }
        }
    };
    data.summary =
        Some(ended.reply.chars().take(PREVIEW).collect()).filter(|it: &String| !it.is_empty());
    data.usage = ended.usage;
    data.error.clone_from(&error);
    let is_own = settings.session == HeartbeatSession::Isolated;
    let row = JobRunRow {
        status: if error.is_none() { JobRunStatus::Ok } else { JobRunStatus::Error },
        session_id: ended.row.filter(|_| is_own).map(|row| row.session_id),
        data: json!(data),
        finished_at: Some(now),
        ..receipt
    };
    let took = now.since(row.started_at);
    let put = Write::PutValue {
        key: format!("{STANDING}{agent}"),
        value: json!(standing).to_string(),
        expect: None,
    };
    match state.storage.apply(Batch::new().with(Write::EndJobRun(Box::new(row))).with(put)).await {
        Ok(_) => {}
        // Another gateway dealt with it.
        Err(ApplyError::Conflict(_)) => return Ok(()),
        Err(failed) => return Err(failed.into()),
    }
    tell(state, status, reason.as_deref(), data.summary.as_deref(), Some(took));
    Ok(())
}

fn tell(
    state: &Arc<GatewayState>,
    status: &str,
    reason: Option<&str>,
    preview: Option<&str>,
    took: Option<std::time::Duration>,
) {
    let mut told = json!({ "ts": state.clock.now().as_millis(), "status": status });
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            told[name] = value;
        }
    };
    set("reason", json!(reason));
    set("preview", json!(preview));
    let took = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    set("durationMs", json!(took));
    set("hasMedia", json!(false));
    state.clockwork.inner().last_heartbeat = Some(told.clone());
    state.typescript.heartbeat(&told);
}
