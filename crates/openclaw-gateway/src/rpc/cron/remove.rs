use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{CronJobParams, CronRemoveResult};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: CronJobParams,
) -> Result<CronRemoveResult, OpenClawError> {
    state.jobs.remove(&params.job_id, None).await?;
    Ok(CronRemoveResult { removed: true })
}
