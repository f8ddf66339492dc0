//! `device.*`.

pub(super) mod approve;
pub(super) mod list;
pub(super) mod reject;
pub(super) mod revoke;
pub(super) mod rotate;

use openclaw_protocol::ScopeSet;
use openclaw_protocol::event::{DeviceResolvedEvent, topic};

use super::Caller;
use crate::GatewayState;
use crate::auth::devices::Request;

/// What the caller may do, and so may grant.
fn scopes(caller: &Caller) -> ScopeSet {
    caller.principal().map_or(ScopeSet::NONE, |principal| principal.scopes)
}

/// Tells clients that a device waits for approval.
pub(crate) fn tell_requested(state: &GatewayState, request: &Request) {
    state.hub.notice(topic::DEVICE_REQUESTED, None, &request.describe());
    state.typescript.pair_requested(request);
}

/// Tells clients that a device was approved or turned away.
pub(crate) fn tell_resolved(state: &GatewayState, event: &DeviceResolvedEvent) {
    state.hub.notice(topic::DEVICE_RESOLVED, None, event);
    state.typescript.pair_resolved(event);
}
