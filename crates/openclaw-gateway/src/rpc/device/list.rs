use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::DeviceListResult;

use crate::GatewayState;
use crate::auth::devices::{DeviceRecord, Request};

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<DeviceListResult, OpenClawError> {
    let devices = state.devices.all().await?;
    Ok(DeviceListResult {
        pending: state.devices.requests().iter().map(Request::describe).collect(),
        devices: devices.iter().map(DeviceRecord::describe).collect(),
    })
}
