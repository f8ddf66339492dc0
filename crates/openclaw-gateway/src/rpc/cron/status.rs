use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::CronStatusResult;

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<CronStatusResult, OpenClawError> {
    let status = state.jobs.status().await?;
    Ok(CronStatusResult {
        enabled: state.config.current().cron.enabled,
        jobs: status.jobs as u64,
        failing: status.failing as u64,
        next_due_at: status.next_due_at,
    })
}
