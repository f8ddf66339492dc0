use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{CronListParams, CronListResult};

use super::describe::describe;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: CronListParams,
) -> Result<CronListResult, OpenClawError> {
    let all = params.include_disabled.unwrap_or(true);
    let jobs = state.jobs.list(None).await?;
    let jobs = jobs.iter().filter(|job| all || job.spec.enabled).map(describe).collect();
    Ok(CronListResult { jobs })
}
