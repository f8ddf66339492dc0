use std::sync::Arc;

use openclaw_core::{RunId, RunStatus, SessionKey};
use openclaw_storage::rows::{InboxRow, InputState};
use openclaw_storage::{ApplyError, Batch, StorageError};

use crate::ending::{Ending, stop_waiting};
use crate::lanes::Shared;
use crate::mailbox::Wake;
use crate::report::Report;
use crate::runs::RunEnd;

/// What to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopTarget<'t> {
    /// One run; for one that another took, that other.
    Run(&'t RunId),
    /// All runs of a session key that have not ended.
    Session(&'t SessionKey),
}

/// Inputs may begin while they are stopped; this often they are looked at again.
const MOST_LOOKS: usize = 8;

/// Inputs of one key that are stopped at a time.
const AT_ONCE: u32 = 1_000;

pub(crate) async fn stop(
    shared: &Arc<Shared>,
    target: StopTarget<'_>,
) -> Result<usize, StorageError> {
    let mut stopped = 0;
    for _ in 0..MOST_LOOKS {
        let rows = open_rows(shared, target).await?;
        let (waiting, running): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.state == InputState::Waiting);
        // What waits goes first, else its lane would begin it once the running turn is cancelled.
        if !stop_all_waiting(shared, &waiting).await? {
            continue;
        }
        stopped += waiting.len();
        for row in &running {
            shared.wake(&row.session_key, Wake::Stop(row.run_id.clone()));
        }
        if waiting.len() < AT_ONCE as usize {
            return Ok(stopped + running.len());
        }
    }
    Ok(stopped)
}

async fn open_rows(shared: &Shared, target: StopTarget<'_>) -> Result<Vec<InboxRow>, StorageError> {
    let storage = &shared.deps.storage;
    match target {
        StopTarget::Session(key) => storage.open_inputs(key, AT_ONCE).await,
        StopTarget::Run(run) => {
            let mut row = storage.input_by_run(run).await?;
            if let Some(taker) = row.as_ref().and_then(|row| row.merged_into.clone()) {
                row = storage.input_by_run(&taker).await?;
            }
            Ok(row.into_iter().filter(|row| !row.state.is_final()).collect())
        }
    }
}

/// Ends them in one batch; `false` when one of them changed meanwhile and nothing was written.
async fn stop_all_waiting(
    shared: &Arc<Shared>,
    waiting: &[InboxRow],
) -> Result<bool, StorageError> {
    if waiting.is_empty() {
        return Ok(true);
    }
    let at = shared.deps.clock.now();
    let mut batch = Batch::new();
    batch.writes.extend(waiting.iter().flat_map(|row| stop_waiting(row, at)));
    let reports = Report::all(waiting, &Ending::stopped(), at);
    for report in &reports {
        let added = report
            .add(&mut batch, shared.deps.storage.as_ref(), shared.deps.ids.as_ref(), at)
            .await;
        match added {
            Ok(()) => {}
            Err(ApplyError::Storage(error)) => return Err(error),
            Err(ApplyError::Conflict(_)) => return Ok(false),
        }
    }
    match shared.deps.storage.apply(batch).await {
        Ok(_) => {}
        Err(ApplyError::Conflict(_)) => return Ok(false),
        Err(ApplyError::Storage(StorageError::Lost(source))) => {
            for row in waiting {
                let row = shared.deps.storage.input(&row.id).await?;
                if row.is_none_or(|row| row.status != RunStatus::Stopped) {
                    return Err(StorageError::Lost(source));
                }
            }
        }
        Err(ApplyError::Storage(error)) => return Err(error),
    }
    for row in waiting {
        let end = RunEnd { status: RunStatus::Stopped, ..RunEnd::of(row) };
        shared.runs.ended(&end);
    }
    for report in &reports {
        shared.wake(report.session_key(), Wake::Input);
    }
    Ok(true)
}
