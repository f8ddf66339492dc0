use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{Empty, UnsubscribeParams};

use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: UnsubscribeParams,
) -> Result<Empty, OpenClawError> {
    let Some(client) = &caller.client else {
        return Err(OpenClawError::new(
            ErrorKind::InvalidRequest,
            "unsubscribe needs a WebSocket connection",
        ));
    };
    if state.hub.unsubscribe(client, &params.subscription_id) {
        return Ok(Empty {});
    }
    Err(OpenClawError::not_found(format!("no subscription {:?}", params.subscription_id)))
}
