use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{CronJob, CronUpdateParams};

use super::describe::describe;
use super::patch;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: CronUpdateParams,
) -> Result<CronJob, OpenClawError> {
    let patch = patch(state, &params.patch)?;
    let job = state.jobs.update(&params.job_id, &patch, None).await?;
    Ok(describe(&job))
}
