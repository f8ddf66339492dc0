use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::GatewayStopResult;

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<GatewayStopResult, OpenClawError> {
    tracing::info!("a client asked the gateway to start again");
    state.shutdown.request_restart();
    Ok(GatewayStopResult { stopping: true, pid: state.identity.pid })
}
