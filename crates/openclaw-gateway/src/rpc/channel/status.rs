use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ChannelStatus, ChannelStatusParams, ChannelsResult};
use tokio::time::Instant;

use super::describe::describe;
use crate::GatewayState;
use crate::channels::ChannelStatus as Snapshot;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ChannelStatusParams,
) -> Result<ChannelsResult, OpenClawError> {
    let snapshots = match &params.channel_id {
        None => state.channels.list(),
        Some(id) => vec![state.channels.status(id).ok_or_else(|| {
            OpenClawError::not_found(format!("no channel {id}")).with_field("channel_id")
        })?],
    };
    let mut channels = Vec::with_capacity(snapshots.len());
    for snapshot in snapshots {
        channels.push(if params.probe {
            probed(state, snapshot).await
        } else {
            describe(snapshot)
        });
    }
    Ok(ChannelsResult { channels })
}

async fn probed(state: &GatewayState, snapshot: Snapshot) -> ChannelStatus {
    let began = Instant::now();
    let outcome = state.channels.probe(&snapshot.channel_id).await;
    let mut channel = describe(snapshot);
    match outcome {
        Ok(_) => {
            channel.health.probe_ms =
                Some(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))
        }
        Err(error) => {
            channel.health.ok = false;
            channel.health.probe_error = Some(error.message().to_owned());
        }
    }
    channel
}
