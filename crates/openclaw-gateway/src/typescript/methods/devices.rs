use openclaw_protocol::methods::{
    Device, DeviceApprove, DeviceList, DeviceRef, DeviceReject, DeviceRequest, DeviceRequestRef,
    DeviceRevoke, DeviceRotate, DeviceRotateParams, NoParams,
};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{
    DeviceRequestParams, DeviceTokenRevokeParams, DeviceTokenRotateParams, Nothing,
};
use openclaw_protocol::{Scope, ScopeSet};
use serde_json::{Value, json};

use super::Call;
use crate::auth::devices::Request;

const OPERATOR: &str = "operator";

/// A request as these clients see it.
pub(crate) fn request(request: &Request) -> Value {
    describe_request(&request.describe())
}

fn describe_request(request: &DeviceRequest) -> Value {
    // No key of a proof is told: the id is its digest.
    json!({
        "requestId": request.request_id,
        "deviceId": request.device_id,
        "displayName": request.info.name,
        "platform": request.info.platform,
        "clientId": request.info.client_id,
        "clientMode": request.info.client_mode,
        "role": OPERATOR,
        "roles": [OPERATOR],
        "scopes": request.scopes,
        "remoteIp": request.address,
        "silent": false,
        "isRepair": request.is_known,
        "ts": request.requested_at.as_millis(),
    })
}

fn describe(device: &Device) -> Value {
    let tokens: Vec<Value> = device
        .token
        .iter()
        .map(|token| {
            let at = token.created_at.as_millis();
            let mut told = json!({
                "role": OPERATOR,
                "scopes": token.scopes,
                "createdAtMs": at,
            });
            if token.is_rotated {
                told["rotatedAtMs"] = json!(at);
            }
            if let Some(used) = token.last_used_at {
                told["lastUsedAtMs"] = json!(used.as_millis());
            }
            told
        })
        .collect();
    let mut told = json!({
        "deviceId": device.device_id,
        "publicKey": device.public_key,
        "platform": device.info.platform,
        "clientId": device.info.client_id,
        "clientMode": device.info.client_mode,
        "role": OPERATOR,
        "roles": [OPERATOR],
        "scopes": device.scopes,
        "createdAtMs": device.created_at.as_millis(),
        "approvedAtMs": device.approved_at.as_millis(),
        "tokens": tokens,
    });
    if let Some(name) = &device.info.name {
        told["displayName"] = json!(name);
    }
    told
}

fn check_role(role: &str) -> Result<(), WireError> {
    if role == OPERATOR { Ok(()) } else { Err(WireError::invalid("unknown deviceId/role")) }
}

pub(super) async fn list(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let list = call.of::<DeviceList>(NoParams {}).await?;
    let pending: Vec<Value> = list.pending.iter().map(describe_request).collect();
    let paired: Vec<Value> =
        list.devices.iter().filter(|device| device.is_approved).map(describe).collect();
    Ok(json!({ "pending": pending, "paired": paired }))
}

pub(super) async fn approve(call: Call<'_>) -> Result<Value, WireError> {
    let DeviceRequestParams { request_id } = call.params()?;
    let device =
        call.of::<DeviceApprove>(DeviceRequestRef { request_id: request_id.clone() }).await?;
    Ok(json!({ "requestId": request_id, "device": describe(&device) }))
}

pub(super) async fn reject(call: Call<'_>) -> Result<Value, WireError> {
    let DeviceRequestParams { request_id } = call.params()?;
    let request =
        call.of::<DeviceReject>(DeviceRequestRef { request_id: request_id.clone() }).await?;
    Ok(json!({ "requestId": request_id, "deviceId": request.device_id }))
}

pub(super) async fn rotate(call: Call<'_>) -> Result<Value, WireError> {
    let params: DeviceTokenRotateParams = call.params()?;
    check_role(&params.role)?;
    let scopes = params.scopes.map(scopes).transpose()?;
    let issued =
        call.of::<DeviceRotate>(DeviceRotateParams { device_id: params.device_id, scopes }).await?;
    Ok(json!({
        "deviceId": issued.device_id,
        "role": OPERATOR,
        "token": issued.token,
        "scopes": issued.scopes,
        "rotatedAtMs": issued.issued_at.as_millis(),
    }))
}

pub(super) async fn revoke(call: Call<'_>) -> Result<Value, WireError> {
    let params: DeviceTokenRevokeParams = call.params()?;
    check_role(&params.role)?;
    let device = call.of::<DeviceRevoke>(DeviceRef { device_id: params.device_id }).await?;
    Ok(json!({
        "deviceId": device.device_id,
        "role": OPERATOR,
        "revokedAtMs": call.state.clock.now().as_millis(),
    }))
}

fn scopes(names: Vec<String>) -> Result<ScopeSet, WireError> {
    let scope = |name: String| {
        let known = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        known.ok_or_else(|| {
            let all: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
            WireError::invalid(format!("unknown scope {name:?}; there are {}", all.join(", ")))
        })
    };
    names.into_iter().map(scope).collect()
}
