use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ChannelParams, ChannelStatus};

use super::describe::describe;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ChannelParams,
) -> Result<ChannelStatus, OpenClawError> {
    state.channels.connect(&params.channel_id).await.map(describe)
}
