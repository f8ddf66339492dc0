//! Tells clients what happens to jobs.

use std::sync::Arc;

use openclaw_agents::schedule::{Job, JobChangeKind, RunData};
use openclaw_protocol::event::topic;
use openclaw_protocol::methods::{CronEvent, CronRunReceipt};
use openclaw_storage::rows::{JobRunRow, JobRunStatus};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::GatewayState;
use crate::rpc::describe_job;

/// A receipt as clients see it.
pub(crate) fn receipt(row: &JobRunRow) -> CronRunReceipt {
    let data = RunData::deserialize(&row.data).ok();
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let trigger = data.as_ref().map(|data| word(json!(data.trigger))).unwrap_or_default();
    let (missed, summary, error, delivery, usage) = match data {
        Some(data) => (data.missed, data.summary, data.error, data.delivery, data.usage),
        None => (0, None, None, None, None),
    };
    CronRunReceipt {
        job_id: row.job_id.clone(),
        slot: row.slot,
        status: row.status.as_str().to_owned(),
        trigger,
        run_id: row.run_id.clone(),
        session_key: row.session_key.clone(),
        missed,
        summary,
        error,
        delivery,
        usage,
        started_at: row.started_at,
        finished_at: row.finished_at,
    }
}

/// A job was made, changed or removed.
pub(super) fn changed(state: &Arc<GatewayState>, job: &Job, kind: JobChangeKind) {
    let (name, action) = match kind {
        JobChangeKind::Added => (topic::CRON_ADDED, "added"),
        JobChangeKind::Updated => (topic::CRON_UPDATED, "updated"),
        JobChangeKind::Removed => (topic::CRON_REMOVED, "removed"),
    };
    let event = CronEvent {
        job_id: job.id.clone(),
        job: (kind != JobChangeKind::Removed).then(|| Box::new(describe_job(job))),
        run: None,
        next_run_at: job.due_at,
    };
    state.hub.notice(name, None, &event);
    let mut told = json!({ "jobId": job.id, "action": action });
    if let Some(due) = job.due_at {
        told["nextRunAtMs"] = json!(due.as_millis());
    }
    state.typescript.cron(&told);
}

/// A run of a job was begun, or ended.
pub(super) fn ran(state: &Arc<GatewayState>, job: &Job, row: &JobRunRow) {
    let is_running = row.status == JobRunStatus::Running;
    let event = CronEvent {
        job_id: job.id.clone(),
        job: None,
        run: Some(Box::new(receipt(row))),
        next_run_at: job.due_at,
    };
    let name = if is_running { topic::CRON_STARTED } else { topic::CRON_FINISHED };
    state.hub.notice(name, None, &event);
    let mut told = match is_running {
        true => json!({
            "jobId": job.id, "action": "started", "runAtMs": row.started_at.as_millis(),
        }),
        false => typescript_entry(row),
    };
    if let Some(due) = job.due_at {
        told["nextRunAtMs"] = json!(due.as_millis());
    }
    state.typescript.cron(&told);
}

/// A receipt as the TypeScript version writes it.
pub(crate) fn typescript_entry(row: &JobRunRow) -> Value {
    let told = receipt(row);
    let mut entry = json!({
        "ts": row.finished_at.unwrap_or(row.started_at).as_millis(),
        "jobId": row.job_id,
        "action": "finished",
        "status": told.status,
    });
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            entry[name] = value;
        }
    };
    set("error", json!(told.error));
    set("summary", json!(told.summary));
    set("sessionId", json!(row.session_id));
    set("sessionKey", json!(row.session_key));
    set("runAtMs", json!(row.started_at.as_millis()));
    let took = row.finished_at.map(|at| at.since(row.started_at).as_millis());
    set("durationMs", json!(took.map(|took| u64::try_from(took).unwrap_or(u64::MAX))));
    set(
        "usage",
        json!(told.usage.map(|usage| json!({
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }))),
    );
    entry
}
