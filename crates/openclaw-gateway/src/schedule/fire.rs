//! Begins the run of a job.

use std::sync::Arc;

use openclaw_agents::schedule::{
    Afterwards, Due, Job, Payload, RunData, ScheduleError, Target, Trigger, WakeAt,
};
use openclaw_core::{ChannelId, RunId, SessionKey, Timestamp, UserId};
use openclaw_errors::OpenClawError;
use openclaw_storage::rows::{JobRow, JobRunRow, JobRunStatus, RunOptions};
use openclaw_storage::{ApplyError, Batch, Write};
use serde_json::json;

use super::{PRINCIPAL, chat, tell};
use crate::GatewayState;
use crate::ingress::{Scheduled, ScheduledFate};

/// What became of a job that was due.
pub(super) enum Fired {
    /// A run was begun.
    Begun(RunId),
    /// It has to wait until another run has ended.
    Held,
    /// Nothing was to be begun.
    Nothing,
}

/// Does what is to be done about a job by now.
pub(super) async fn deal_with(
    state: &Arc<GatewayState>,
    row: JobRow,
    may_begin: bool,
) -> Result<Fired, OpenClawError> {
    let mut job = Job::from_row(row)?;
    let is_on = state.config.current().cron.enabled;
    if !is_on && job.state.asked.is_none_or(|_| job.state.is_retry) {
        return Ok(Fired::Nothing);
    }
    let is_counted_anew = job.believe(state.clock.now());
    let agenda = match state.jobs.look(&job) {
        Ok(agenda) => agenda,
        Err(error @ ScheduleError::Invalid { .. }) => {
            tracing::warn!(job = %job.id, %error, "a job's schedule cannot be understood");
            let expect = job.fence;
            job.schedule_failed(&error.to_string(), state.clock.now());
            store(state, vec![put(&job, expect)]).await?;
            return Ok(Fired::Nothing);
        }
        Err(error) => return Err(error.into()),
    };
    match agenda.due {
        Due::Nothing => {
            if is_counted_anew || job.due_at != agenda.next {
                let expect = job.fence;
                job.due_at = agenda.next;
                store(state, vec![put(&job, expect)]).await?;
            }
            Ok(Fired::Nothing)
        }
        Due::Skip { slot, missed } => skip(state, job, slot, missed).await,
        Due::Run { .. } if !may_begin => Ok(Fired::Held),
        Due::Run { slot, trigger, missed } => begin(state, job, slot, trigger, missed).await,
    }
}

/// The write that stores a job over the one it was made from.
pub(super) fn put(job: &Job, expect: i64) -> Write {
    Write::PutJob { job: Box::new(job.to_row()), expect: Some(expect) }
}

/// Stores; a conflict means that another gateway or a change was first, and is looked at anew.
async fn store(state: &GatewayState, writes: Vec<Write>) -> Result<bool, OpenClawError> {
    match state.storage.apply(Batch { fences: Vec::new(), writes }).await {
        Ok(_) => Ok(true),
        Err(ApplyError::Conflict(conflict)) => {
            tracing::debug!(%conflict, "a job was changed meanwhile");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

async fn skip(
    state: &Arc<GatewayState>,
    mut job: Job,
    slot: Timestamp,
    missed: u32,
) -> Result<Fired, OpenClawError> {
    let (expect, now) = (job.fence, state.clock.now());
    job.skipped(slot);
    state.jobs.reckon(&mut job)?;
    let mut data = RunData::new(Trigger::Schedule, &job.spec.name, missed.saturating_sub(1));
    data.error = Some("its moment passed while nothing could run".to_owned());
    let receipt = JobRunRow {
        run_id: None,
        session_key: None,
        status: JobRunStatus::Skipped,
        finished_at: Some(now),
        ..new_receipt(state, &job, slot, &data)
    };
    let writes = vec![put(&job, expect), Write::StartJobRun(Box::new(receipt.clone()))];
    if store(state, writes).await? {
        tracing::info!(job = %job.id, %slot, missed, "moments of a job were passed over");
        tell::ran(state, &job, &receipt);
    }
    Ok(Fired::Nothing)
}

fn new_receipt(state: &GatewayState, job: &Job, slot: Timestamp, data: &RunData) -> JobRunRow {
    JobRunRow {
        job_id: job.id.clone(),
        slot,
        run_id: None,
        session_key: None,
        session_id: None,
        status: JobRunStatus::Running,
        data: json!(data),
        owner: state.identity.gateway_id.clone(),
        started_at: state.clock.now(),
        finished_at: None,
    }
}

async fn begin(
    state: &Arc<GatewayState>,
    mut job: Job,
    slot: Timestamp,
    trigger: Trigger,
    missed: u32,
) -> Result<Fired, OpenClawError> {
    let (expect, now) = (job.fence, state.clock.now());
    if state.storage.job_run(&job.id, slot).await?.is_some() {
        // Its receipt is there: what is left is to go on from it.
        job.state.cursor = job.state.cursor.max(slot);
        job.state.asked = None;
        state.jobs.reckon(&mut job)?;
        store(state, vec![put(&job, expect)]).await?;
        return Ok(Fired::Nothing);
    }
    let run_id = run_id(&job, slot)?;
    let session_key = session_key(&job, slot)?;
    let mut data = RunData::new(trigger, &job.spec.name, missed);
    let notes = job.spec.target == Target::Main && job.spec.wake == WakeAt::NextHeartbeat;
    job.begun(slot, trigger, now, &state.identity.gateway_id);
    let mut receipt = JobRunRow {
        run_id: (!notes).then(|| run_id.clone()),
        session_key: Some(session_key.clone()),
        ..new_receipt(state, &job, slot, &data)
    };
    let mut writes = vec![];
    if notes {
        receipt.status = JobRunStatus::Ok;
        receipt.finished_at = Some(now);
        data.delivery = Some("told to the main session".to_owned());
        receipt.data = json!(data);
        writes.extend(super::wake::waiting_event(state, &job.agent_id, &text_of(&job)));
        match job.ended(None, now, trigger) {
            Afterwards::Deleted => {
                writes.push(Write::DeleteJob { id: job.id.clone() });
            }
            Afterwards::Kept => {
                state.jobs.reckon(&mut job)?;
                writes.push(put(&job, expect));
            }
        }
    } else {
        writes.push(put(&job, expect));
    }
    writes.push(Write::StartJobRun(Box::new(receipt.clone())));
    let scheduled = scheduled(state, &job, run_id.clone(), session_key, writes).await?;
    let fate = match notes {
        true => state.ingress.note_event(&scheduled).await?,
        false => state.ingress.accept_scheduled(&scheduled).await?,
    };
    if fate == ScheduledFate::Taken {
        return Ok(Fired::Nothing);
    }
    tracing::info!(job = %job.id, name = job.spec.name, %slot, missed, "a job is run");
    tell::ran(state, &job, &receipt);
    Ok(if notes { Fired::Nothing } else { Fired::Begun(run_id) })
}

fn run_id(job: &Job, slot: Timestamp) -> Result<RunId, OpenClawError> {
    RunId::new(format!("cron:{}:{}", job.id, slot.as_millis()))
        .map_err(|error| OpenClawError::internal("a job has no run id").with_source(error))
}

fn session_key(job: &Job, slot: Timestamp) -> Result<SessionKey, OpenClawError> {
    match job.spec.target {
        Target::Main => Ok(SessionKey::main(&job.agent_id)),
        Target::Isolated => SessionKey::new(&job.agent_id, &job.session_rest(slot))
            .map_err(|error| OpenClawError::internal("a job has no session").with_source(error)),
    }
}

fn text_of(job: &Job) -> String {
    let name: String = job.spec.name.chars().filter(|c| !"[]\n".contains(*c)).collect();
    let said = match &job.spec.payload {
        Payload::SystemEvent { text } => text,
        Payload::AgentTurn { message, .. } => message,
    };
    format!("[cron:{} {name}] {said}", job.id)
}

async fn scheduled(
    state: &Arc<GatewayState>,
    job: &Job,
    run_id: RunId,
    session_key: SessionKey,
    with: Vec<Write>,
) -> Result<Scheduled, OpenClawError> {
    let mut options = RunOptions::default();
    let mut text = text_of(job);
    let mut reply_to = None;
    match &job.spec.payload {
        Payload::AgentTurn { model, thinking, timeout_seconds, .. } => {
            options.model.clone_from(model);
            options.thinking = *thinking;
            options.timeout_seconds = *timeout_seconds;
            text.push_str(
                "\n\n(This runs by itself, at its time. Your final answer is delivered as it is; \
                 answer NO_REPLY when there is nothing to tell.)",
            );
        }
        // What the main session answers is said where its owner is.
        Payload::SystemEvent { .. } => {
            reply_to = chat::last(state, &SessionKey::main(&job.agent_id)).await?;
        }
    }
    let origin = job.spec.origin.as_ref();
    let sender = match origin.and_then(|origin| origin.sender.clone()) {
        Some(sender) => sender,
        None => UserId::new(PRINCIPAL)
            .map_err(|error| OpenClawError::internal("no sender").with_source(error))?,
    };
    let channel_id = origin.map_or_else(ChannelId::web, |origin| origin.channel_id.clone());
    // A person's rights hold for what the person asked for.
    let principal = match origin.and_then(|origin| origin.sender.as_ref()) {
        Some(_) => format!("channel:{channel_id}"),
        None => PRINCIPAL.to_owned(),
    };
    Ok(Scheduled {
        run_id,
        principal,
        session_key,
        channel_id,
        sender,
        reply_to,
        text,
        options,
        with,
    })
}
