use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::ChannelsResult;

use super::describe::describe;
use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<ChannelsResult, OpenClawError> {
    Ok(ChannelsResult { channels: state.channels.list().into_iter().map(describe).collect() })
}
