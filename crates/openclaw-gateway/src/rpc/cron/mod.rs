//! `cron.*`.

pub(super) mod add;
pub(super) mod describe;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod status;
pub(super) mod update;

use openclaw_agents::schedule::JobPatch;
use openclaw_errors::OpenClawError;
use serde::Serialize;

use crate::GatewayState;

/// What is asked of a job.
fn patch(state: &GatewayState, asked: &impl Serialize) -> Result<JobPatch, OpenClawError> {
    let value = serde_json::to_value(asked)
        .map_err(|error| OpenClawError::internal("params cannot be read").with_source(error))?;
    let object = value.as_object().cloned().unwrap_or_default();
    Ok(JobPatch::read(&object, state.jobs.now(), state.jobs.zone())?)
}
