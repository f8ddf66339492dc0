use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::connect::PresenceEntry;
use openclaw_protocol::typescript::params::{Nothing, SystemEventParams};
use serde_json::{Value, json};

use super::{Call, payload};

/// The longest text that is kept.
const LONGEST: usize = 1_024;

pub(super) fn list(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    payload(&call.state.typescript.presence())
}

pub(super) fn system_event(call: Call<'_>) -> Result<Value, WireError> {
    let params: SystemEventParams = call.params()?;
    let text = params.text.trim();
    if text.is_empty() {
        return Err(WireError::invalid("text required"));
    }
    let cut = |text: String| text.chars().take(LONGEST).collect::<String>();
    let device_id = params.device_id.map(cut);
    let instance_id = params.instance_id.map(cut);
    let host = params.host.map(cut).unwrap_or_else(|| text.chars().take(80).collect());
    let key = device_id.clone().or_else(|| instance_id.clone()).unwrap_or_else(|| host.clone());
    let entry = PresenceEntry {
        text: cut(text.to_owned()),
        host,
        ip: params.ip.map(cut),
        version: params.version.map(cut),
        platform: params.platform.map(cut),
        device_family: params.device_family.map(cut),
        model_identifier: params.model_identifier.map(cut),
        mode: params.mode.map(cut),
        reason: params.reason.map(cut),
        device_id,
        roles: params.roles.unwrap_or_default().into_iter().take(8).map(cut).collect(),
        scopes: params.scopes.unwrap_or_default().into_iter().take(16).map(cut).collect(),
        instance_id,
        last_input_seconds: params.last_input_seconds,
        ts: call.state.clock.now().as_millis(),
    };
    call.state.typescript.seen(key, entry);
    Ok(json!({ "ok": true }))
}
