use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{AgentRunRef, AgentStopResult};
use openclaw_sessions::StopTarget;

use crate::GatewayState;
use crate::rpc::session::find::by_key;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: AgentRunRef,
) -> Result<AgentStopResult, OpenClawError> {
    let stopped = match (&params.run_id, &params.session_key) {
        (Some(run), None) => {
            if state.storage.input_by_run(run).await?.is_none() {
                return Err(OpenClawError::not_found(format!("no run {run}")));
            }
            state.lanes.stop(StopTarget::Run(run)).await?
        }
        (None, Some(key)) => {
            by_key(state, key).await?;
            let own = state.lanes.stop(StopTarget::Session(key)).await?;
            own + state.lanes.stop_subagents(key).await?
        }
        _ => {
            return Err(OpenClawError::invalid_params(
                "run_id",
                "give exactly one of run_id and session_key",
            ));
        }
    };
    Ok(AgentStopResult { stopped: stopped > 0 })
}
