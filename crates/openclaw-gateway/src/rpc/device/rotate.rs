use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{DeviceRotateParams, IssuedDeviceToken};

use super::scopes;
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: DeviceRotateParams,
) -> Result<IssuedDeviceToken, OpenClawError> {
    let issued = state.devices.rotate(&params.device_id, params.scopes, scopes(caller)).await?;
    state.hub.wake_all();
    tracing::info!(
        device = issued.device_id,
        by = caller.principal_name(),
        "a device's token was rotated"
    );
    Ok(issued)
}
