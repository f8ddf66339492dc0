use openclaw_agents::schedule::RunAsked;
use openclaw_core::RunId;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{CronRunParams, CronRunResult};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: CronRunParams,
) -> Result<CronRunResult, OpenClawError> {
    let only_if_due = params.only_if_due.unwrap_or(false);
    let asked = state.jobs.ask_run(&params.job_id, only_if_due, None).await?;
    let refused = |reason: &str| CronRunResult {
        begins: false,
        reason: Some(reason.to_owned()),
        run_id: None,
    };
    Ok(match asked {
        RunAsked::Begins { slot } => CronRunResult {
            begins: true,
            reason: None,
            run_id: RunId::new(format!("cron:{}:{}", params.job_id, slot.as_millis()))
                .ok()
                .filter(|_| !only_if_due),
        },
        RunAsked::AlreadyRunning => refused("already_running"),
        RunAsked::NotDue => refused("not_due"),
    })
}
