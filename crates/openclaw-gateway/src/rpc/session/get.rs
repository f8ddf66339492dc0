use openclaw_core::Session;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::SessionRef;

use super::find::find;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: SessionRef,
) -> Result<Session, OpenClawError> {
    find(state, params.session_id.as_ref(), params.session_key.as_ref()).await
}
