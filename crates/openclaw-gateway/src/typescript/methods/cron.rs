use openclaw_agents::schedule::{JobPatch, RunAsked, ScheduleError, typescript_job};
use openclaw_core::JobId;
use openclaw_errors::OpenClawError;
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{
    CronListParams, CronRunParams, CronRunsParams, CronTargetParams, CronUpdateParams, Nothing,
};
use serde_json::{Map, Value, json};

use super::{Call, status};
use crate::schedule::typescript_entry;

const USUAL: u32 = 200;
const MOST: u32 = 5_000;

pub(super) async fn list(call: Call<'_>) -> Result<Value, WireError> {
    let params: CronListParams = call.params()?;
    let all = params.include_disabled.unwrap_or(false);
    let mut jobs = call.state.jobs.list(None).await.map_err(refused)?;
    jobs.retain(|job| all || job.spec.enabled);
    // Those that are due first come first.
    jobs.sort_by_key(|job| (job.due_at.is_none(), job.due_at));
    let jobs: Vec<Value> = jobs.iter().map(typescript_job).collect();
    Ok(json!({ "jobs": jobs }))
}

pub(super) async fn status(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let path = status::store_path(call.state, call.scopes());
    let status = call.state.jobs.status().await.map_err(refused)?;
    Ok(json!({
        "enabled": call.state.config.current().cron.enabled,
        "storePath": path,
        "jobs": status.jobs,
        "nextWakeAtMs": status.next_due_at.map(openclaw_core::Timestamp::as_millis),
    }))
}

pub(super) async fn add(call: Call<'_>) -> Result<Value, WireError> {
    let params: Map<String, Value> = call.params()?;
    let job = call.state.jobs.add(read(call, &params)?, None).await.map_err(refused)?;
    Ok(typescript_job(&job))
}

pub(super) async fn update(call: Call<'_>) -> Result<Value, WireError> {
    let params: CronUpdateParams = call.params()?;
    let id = job_id(params.id.as_deref().or(params.job_id.as_deref()))?;
    let patch = read(call, &params.patch)?;
    let job = call.state.jobs.update(&id, &patch, None).await.map_err(refused)?;
    Ok(typescript_job(&job))
}

pub(super) async fn remove(call: Call<'_>) -> Result<Value, WireError> {
    let params: CronTargetParams = call.params()?;
    let id = job_id(params.id.as_deref().or(params.job_id.as_deref()))?;
    match call.state.jobs.remove(&id, None).await {
        Ok(_) => Ok(json!({ "ok": true, "removed": true })),
        Err(ScheduleError::Unknown(_)) => Ok(json!({ "ok": true, "removed": false })),
        Err(error) => Err(refused(error)),
    }
}

pub(super) async fn run(call: Call<'_>) -> Result<Value, WireError> {
    let params: CronRunParams = call.params()?;
    let id = job_id(params.id.as_deref().or(params.job_id.as_deref()))?;
    let only_if_due = match params.mode.as_deref() {
        None | Some("force") => false,
        Some("due") => true,
        Some(_) => return Err(WireError::invalid("mode must be due or force")),
    };
    let asked = call.state.jobs.ask_run(&id, only_if_due, None).await.map_err(refused)?;
    Ok(match asked {
        RunAsked::Begins { .. } => json!({ "ok": true, "ran": true }),
        RunAsked::AlreadyRunning => {
            json!({ "ok": true, "ran": false, "reason": "already-running" })
        }
        RunAsked::NotDue => json!({ "ok": true, "ran": false, "reason": "not-due" }),
    })
}

pub(super) async fn runs(call: Call<'_>) -> Result<Value, WireError> {
    let params: CronRunsParams = call.params()?;
    let id = job_id(params.id.as_deref().or(params.job_id.as_deref()))?;
    let limit = params.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut runs = call.state.jobs.runs(&id, limit).await.map_err(refused)?;
    runs.retain(|run| run.finished_at.is_some());
    let entries: Vec<Value> = runs.iter().rev().map(typescript_entry).collect();
    Ok(json!({ "entries": entries }))
}

fn read(call: Call<'_>, object: &Map<String, Value>) -> Result<JobPatch, WireError> {
    JobPatch::read(object, call.state.jobs.now(), call.state.jobs.zone()).map_err(refused)
}

fn job_id(id: Option<&str>) -> Result<JobId, WireError> {
    let id = id.ok_or_else(|| WireError::invalid("id or jobId is required"))?;
    JobId::new(id).map_err(|error| WireError::invalid(error.to_string()))
}

fn refused(error: ScheduleError) -> WireError {
    WireError::from(OpenClawError::from(error))
}
