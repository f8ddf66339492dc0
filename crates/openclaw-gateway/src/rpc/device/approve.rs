use openclaw_errors::OpenClawError;
use openclaw_protocol::event::DeviceResolvedEvent;
use openclaw_protocol::methods::{Device, DeviceRequestRef};

use super::{scopes, tell_resolved};
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: DeviceRequestRef,
) -> Result<Device, OpenClawError> {
    let device = state.devices.approve(&params.request_id, scopes(caller)).await?;
    tracing::info!(
        device = device.device_id,
        by = caller.principal_name(),
        "a device was approved"
    );
    let device_id = device.device_id.clone();
    let request_id = Some(params.request_id);
    tell_resolved(state, &DeviceResolvedEvent { request_id, device_id, is_approved: true });
    Ok(device.describe())
}
