use openclaw_errors::OpenClawError;
use openclaw_protocol::event::DeviceResolvedEvent;
use openclaw_protocol::methods::{DeviceRequest, DeviceRequestRef};

use super::tell_resolved;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: DeviceRequestRef,
) -> Result<DeviceRequest, OpenClawError> {
    let request = state.devices.reject(&params.request_id)?.describe();
    let device_id = request.device_id.clone();
    let request_id = Some(params.request_id);
    tell_resolved(state, &DeviceResolvedEvent { request_id, device_id, is_approved: false });
    Ok(request)
}
