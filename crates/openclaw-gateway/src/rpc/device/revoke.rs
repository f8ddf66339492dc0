use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{Device, DeviceRef};

use super::scopes;
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: DeviceRef,
) -> Result<Device, OpenClawError> {
    let device = state.devices.revoke(&params.device_id, scopes(caller)).await?;
    state.hub.wake_all();
    tracing::info!(device = device.device_id, by = caller.principal_name(), "a device was revoked");
    Ok(device.describe())
}
