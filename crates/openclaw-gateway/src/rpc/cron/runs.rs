use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{CronRunsParams, CronRunsResult};

use crate::GatewayState;
use crate::schedule::receipt;

const USUAL: u32 = 50;
const MOST: u32 = 5_000;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: CronRunsParams,
) -> Result<CronRunsResult, OpenClawError> {
    let limit = params.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(OpenClawError::invalid_params("limit", "must be 1 to 5,000"));
    }
    let runs = state.jobs.runs(&params.job_id, limit).await?;
    if runs.is_empty() {
        // A job without runs is no error, an unknown one is.
        state.jobs.find(&params.job_id, None).await?;
    }
    Ok(CronRunsResult { runs: runs.iter().map(receipt).collect() })
}
