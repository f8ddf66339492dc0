use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{Empty, UnsubscribeParams};

use super::client;
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: UnsubscribeParams,
) -> Result<Empty, OpenClawError> {
    if state.hub.unsubscribe(client(caller)?, &params.subscription_id) {
        return Ok(Empty {});
    }
    Err(OpenClawError::not_found(format!("no subscription {:?}", params.subscription_id)))
}
