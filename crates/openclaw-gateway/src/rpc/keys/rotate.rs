use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{IssuedKey, KeyParams};

use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: KeyParams,
) -> Result<IssuedKey, OpenClawError> {
    state.credentials.rotate_key(&params.id, &caller.signed_in()?).await
}
