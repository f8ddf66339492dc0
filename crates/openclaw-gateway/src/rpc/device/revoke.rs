use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{Device, DeviceRef};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: DeviceRef,
) -> Result<Device, OpenClawError> {
    let device = state.devices.revoke(&params.device_id).await?;
    state.hub.wake_all();
    tracing::info!(device = device.device_id, "a device was revoked");
    Ok(device.describe())
}
