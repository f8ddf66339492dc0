use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{CronAddParams, CronJob};

use super::describe::describe;
use super::patch;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: CronAddParams,
) -> Result<CronJob, OpenClawError> {
    let job = state.jobs.add(patch(state, &params)?, None).await?;
    Ok(describe(&job))
}
