use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::ReloadResult;

use crate::GatewayState;
use crate::lifecycle::ReloadOutcome;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<ReloadResult, OpenClawError> {
    state.config.reload().await.map(outcome)
}

pub(in crate::rpc) fn outcome(done: ReloadOutcome) -> ReloadResult {
    ReloadResult { changed: done.changed, needs_restart: done.needs_restart }
}
