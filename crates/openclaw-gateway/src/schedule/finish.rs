//! Deals with the end of a run.

use std::sync::Arc;

use openclaw_agents::schedule::{
    Afterwards, DeliveryMode, HEARTBEAT_OK, Job, RunData, Target, Trigger,
};
use openclaw_core::{RunId, SessionKey, Timestamp, Usage};
use openclaw_errors::OpenClawError;
use openclaw_storage::rows::{InboxRow, InputState, JobRunRow, JobRunStatus};
use openclaw_storage::{ApplyError, Batch, Conflict, Write};
use serde::Deserialize as _;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::deliver::{self, Delivered};
use super::fire::put;
use super::{heartbeat, tell};
use crate::GatewayState;

const TRIES: u32 = 16;
const LONGEST_SUMMARY: usize = 2_000;
/// Another gateway's run is dealt with here when it ended so long ago.
const LEFT_BEHIND: std::time::Duration = std::time::Duration::from_secs(60);
/// The owner is told of the same failing job once in so long.
const ALERT_PAUSE: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// How a run ended.
pub(super) struct Ended {
    /// What it said.
    pub(super) reply: String,
    /// Why it ended badly.
    pub(super) error: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) row: Option<InboxRow>,
}

/// Wakes the scheduler when a run that was begun here has ended.
pub(super) fn follow(state: &Arc<GatewayState>, tasks: &TaskTracker, run_id: RunId) {
    let state = state.clone();
    tasks.spawn(async move {
        let mut watch = state.lanes.watch_run(&run_id);
        tokio::select! {
            biased;
            () = state.shutdown.requested().cancelled() => return,
            ended = watch.end() => if ended.is_err() { return },
        }
        state.clockwork.ended.notify_one();
    });
}

/// Deals with a run, unless that is being done or it has not ended.
pub(super) fn begin(state: &Arc<GatewayState>, tasks: &TaskTracker, receipt: JobRunRow) {
    let place = (receipt.job_id.clone(), receipt.slot);
    if !state.clockwork.inner().finishing.insert(place.clone()) {
        return;
    }
    let state = state.clone();
    tasks.spawn(async move {
        if let Err(error) = deal_with(&state, receipt).await {
            tracing::warn!(job = %place.0, error = error.report(), "the end of a job's run is not stored yet");
        }
        state.clockwork.inner().finishing.remove(&place);
    });
}

async fn deal_with(state: &Arc<GatewayState>, receipt: JobRunRow) -> Result<(), OpenClawError> {
    let Some(ended) = how_it_ended(state, &receipt).await? else { return Ok(()) };
    let ended_at = ended.row.as_ref().and_then(|row| row.ended_at).unwrap_or(receipt.started_at);
    let is_ours = receipt.owner == state.identity.gateway_id;
    if !is_ours && state.clock.now().since(ended_at) < LEFT_BEHIND {
        return Ok(());
    }
    let data = RunData::deserialize(&receipt.data)
        .unwrap_or_else(|_| RunData::new(Trigger::Schedule, "", 0));
    if data.trigger == Trigger::Heartbeat {
        return heartbeat::finish(state, receipt, data, ended).await;
    }
    of_job(state, receipt, data, ended).await?;
    // Others may have waited for this one to end.
    state.clockwork.ended.notify_one();
    Ok(())
}

/// `None` while it is at work.
async fn how_it_ended(
    state: &GatewayState,
    receipt: &JobRunRow,
) -> Result<Option<Ended>, OpenClawError> {
    let lost = |message: &str| Ended {
        reply: String::new(),
        error: Some(message.to_owned()),
        usage: None,
        row: None,
    };
    let Some(run_id) = &receipt.run_id else { return Ok(Some(lost("it was never begun"))) };
    let Some(mut row) = state.storage.input_by_run(run_id).await? else {
        return Ok(Some(lost("its session was deleted")));
    };
    if let Some(taker) = &row.merged_into
        && let Some(taken) = state.storage.input_by_run(taker).await?
    {
        row = taken;
    }
    if !row.state.is_final() {
        return Ok(None);
    }
    let error = match row.state {
        InputState::Answered | InputState::Merged => None,
        _ => Some(match &row.error {
            Some(error) => match &error.hint {
                Some(hint) => format!("{}; {hint}", error.message),
                None => error.message.clone(),
            },
            None => "it was stopped".to_owned(),
        }),
    };
    let reply = row.reply.clone().unwrap_or_default();
    Ok(Some(Ended { reply, error, usage: row.usage, row: Some(row) }))
}

fn cut(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(LONGEST_SUMMARY).collect();
    (!text.is_empty()).then_some(text)
}

/// Whether an answer is nothing to send.
fn is_silent(reply: &str) -> bool {
    matches!(reply.trim().trim_matches(['*', '.', '`', '_']), "" | "NO_REPLY" | HEARTBEAT_OK)
}

async fn of_job(
    state: &Arc<GatewayState>,
    receipt: JobRunRow,
    mut data: RunData,
    mut ended: Ended,
) -> Result<(), OpenClawError> {
    let job = state.storage.job(&receipt.job_id).await?.map(Job::from_row).transpose()?;
    data.summary = cut(&ended.reply);
    data.usage = ended.usage;
    if let Some(job) = &job
        && ended.error.is_none()
        && job.spec.target == Target::Isolated
    {
        data.delivery = Some(match is_silent(&ended.reply) {
            true => "nothing to tell".to_owned(),
            false => match deliver::answer(state, job, &receipt, ended.reply.trim()).await {
                Delivered::Well(how) => how,
                Delivered::Badly(why) => {
                    if !job.spec.delivery.best_effort {
                        ended.error = Some(why.clone());
                    }
                    format!("failed: {why}")
                }
            },
        });
    }
    data.error = ended.error.as_deref().and_then(cut);
    let is_own = job.as_ref().is_none_or(|job| job.spec.target == Target::Isolated);
    let row = JobRunRow {
        status: if ended.error.is_none() { JobRunStatus::Ok } else { JobRunStatus::Error },
        session_id: ended.row.as_ref().filter(|_| is_own).map(|row| row.session_id.clone()),
        data: json!(data),
        finished_at: Some(state.clock.now()),
        ..receipt
    };
    for _ in 0..TRIES {
        let stored = state.storage.job(&row.job_id).await?.map(Job::from_row).transpose()?;
        let mut batch = Batch::new().with(Write::EndJobRun(Box::new(row.clone())));
        let mut after = None;
        if let Some(mut job) = stored.filter(|job| job.state.running == Some(row.slot)) {
            let (expect, now) = (job.fence, state.clock.now());
            match job.ended(ended.error.as_deref(), now, data.trigger) {
                Afterwards::Deleted => batch.push(Write::DeleteJob { id: job.id.clone() }),
                Afterwards::Kept => {
                    note_alert(state, &mut job, ended.error.as_deref(), now, &row).await;
                    if let Err(error) = state.jobs.reckon(&mut job) {
                        job.schedule_failed(&error.to_string(), now);
                    }
                    batch.push(put(&job, expect));
                }
            }
            after = Some(job);
        }
        match state.storage.apply(batch).await {
            Ok(_) => {
                if let Some(job) = after.or(job) {
                    tell::ran(state, &job, &row);
                }
                return Ok(());
            }
            Err(ApplyError::Conflict(
                Conflict::StateChanged { what: "job run", .. }
                | Conflict::Missing { what: "job run", .. },
            )) => return Ok(()),
            Err(ApplyError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(OpenClawError::internal("a job kept changing"))
}

/// Tells the owner that a job fails, once in a while.
async fn note_alert(
    state: &Arc<GatewayState>,
    job: &mut Job,
    error: Option<&str>,
    now: Timestamp,
    row: &JobRunRow,
) {
    let Some(error) = error.filter(|_| state.config.current().cron.failure_alerts) else { return };
    if job.state.alerted_at.is_some_and(|at| now.since(at) < ALERT_PAUSE) {
        return;
    }
    let again = match job.state.asked {
        Some(at) => format!(" It is tried again at {at}."),
        None => String::new(),
    };
    let text =
        format!("The job “{}” failed: {}.{again}", job.spec.name, error.trim_end_matches('.'));
    let delivery = &job.spec.delivery;
    let wanted = match delivery.mode {
        DeliveryMode::Announce => (delivery.channel.as_deref(), delivery.to.as_deref()),
        DeliveryMode::None | DeliveryMode::Webhook => (None, None),
    };
    let main = SessionKey::main(&job.agent_id);
    let key = row.run_id.as_ref().map(|run| format!("{run}:alert")).unwrap_or_default();
    let mut said = deliver::say(state, &main, wanted, &text, key.clone()).await;
    if said.is_err() && wanted != (None, None) {
        // What cannot be sent there is told where the owner was last.
        said = deliver::say(state, &main, (None, None), &text, key).await;
    }
    match said {
        Ok(_) => job.state.alerted_at = Some(now),
        Err(failed) => {
            tracing::warn!(job = %job.id, error, alert = failed.report(), "a job fails and nobody could be told");
        }
    }
}
