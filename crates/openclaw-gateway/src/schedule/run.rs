use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::schedule::JobChangeKind;
use openclaw_core::Timestamp;
use openclaw_errors::OpenClawError;
use openclaw_storage::{Batch, Write};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::task::TaskTracker;

use super::fire::{Fired, deal_with};
use super::{finish, heartbeat, tell};
use crate::GatewayState;

/// The longest sleep. A machine that slept meanwhile, or a clock that was put on, is noticed by then.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest sleep where another gateway may leave jobs behind.
const LONGEST_SHARED: Duration = Duration::from_secs(15);
/// How often open runs are looked at whose end nobody here waits for.
const LOOK_AT_OPEN: Duration = Duration::from_secs(5);
/// After the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
const AT_ONCE: u32 = 64;
/// Receipts are kept for so long.
const RECEIPTS: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const HOUSEKEEPING: Duration = Duration::from_secs(60 * 60);

/// Looks at jobs and heartbeats until the gateway ends.
pub(crate) async fn run(state: Arc<GatewayState>, tasks: TaskTracker) {
    let mut changes = state.jobs.changes();
    let mut cleaned_at = None;
    let mut pause = Duration::ZERO;
    loop {
        // All arms are cancel-safe: what is noticed while another runs is kept by its source.
        tokio::select! {
            biased;
            () = state.shutdown.requested().cancelled() => return,
            change = changes.recv() => match change {
                Ok(change) => {
                    tell::changed(&state, &change.job, change.kind);
                    if change.kind == JobChangeKind::Removed {
                        continue;
                    }
                }
                Err(RecvError::Lagged(count)) => tracing::warn!(count, "changes of jobs were not told"),
                Err(RecvError::Closed) => return,
            },
            () = state.jobs.changed() => {}
            () = state.clockwork.ended.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
        let looked = tokio::select! {
            biased;
            () = state.shutdown.requested().cancelled() => return,
            looked = look(&state, &tasks, &mut cleaned_at) => looked,
        };
        pause = looked.unwrap_or_else(|error| {
            tracing::warn!(error = error.report(), "the scheduler could not look at its jobs");
            AFTER_FAILURE
        });
    }
}

/// Does all that is due; answers how long nothing will be.
async fn look(
    state: &Arc<GatewayState>,
    tasks: &TaskTracker,
    cleaned_at: &mut Option<Timestamp>,
) -> Result<Duration, OpenClawError> {
    let longest = if state.storage.is_shared() { LONGEST_SHARED } else { LONGEST };
    let open = state.storage.open_job_runs(AT_ONCE).await?;
    for receipt in &open {
        finish::begin(state, tasks, receipt.clone());
    }
    let mut at_work = open.len();
    let config = state.config.current();
    let limit = config.cron.max_concurrent_runs as usize;
    let mut is_held = false;
    let now = state.clock.now();
    let due = state.storage.due_jobs(now, AT_ONCE).await?;
    // More than these wait behind them.
    is_held |= due.len() == AT_ONCE as usize;
    for row in due {
        let id = row.id.clone();
        match deal_with(state, row, at_work < limit).await {
            Ok(Fired::Begun(run_id)) => {
                at_work += 1;
                finish::follow(state, tasks, run_id);
            }
            Ok(Fired::Held) => is_held = true,
            Ok(Fired::Nothing) => {}
            // The others are not to wait for it.
            Err(error) => {
                tracing::warn!(job = %id, error = error.report(), "a job could not be looked at");
            }
        }
    }
    let next_beat = heartbeat::look(state, tasks).await;
    if cleaned_at.is_none_or(|at| state.clock.now().since(at) >= HOUSEKEEPING) {
        clean(state).await?;
        *cleaned_at = Some(state.clock.now());
    }
    let now = state.clock.now();
    let next = state.storage.next_due_job(now).await?;
    let mut pause = longest;
    for moment in [next, next_beat].into_iter().flatten() {
        pause = pause.min(moment.since(now));
    }
    if at_work > 0 || is_held {
        pause = pause.min(LOOK_AT_OPEN);
    }
    // A job that is due and was not dealt with is looked at again, but not in a circle.
    Ok(pause.max(Duration::from_millis(10)))
}

/// Deletes sessions of runs and receipts that are old enough.
async fn clean(state: &GatewayState) -> Result<(), OpenClawError> {
    let now = state.clock.now();
    if let Some(kept) = state.config.current().cron.session_retention {
        for run in state.storage.job_runs_with_sessions(now.minus(kept), AT_ONCE * 8).await? {
            let Some(id) = run.session_id else { continue };
            let forget = Write::ForgetJobSession { job_id: run.job_id, slot: run.slot };
            let batch = Batch::new().with(Write::DeleteSession { id }).with(forget.clone());
            if let Err(error) = state.storage.apply(batch).await {
                tracing::debug!(%error, "the session of a job's run is gone or in use");
                state.storage.apply(Batch::new().with(forget)).await?;
            }
        }
    }
    let prune = Write::PruneJobRuns { before: now.minus(RECEIPTS) };
    state.storage.apply(Batch::new().with(prune)).await?;
    Ok(())
}
