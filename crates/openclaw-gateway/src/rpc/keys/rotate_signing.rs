use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::SigningKey;

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<SigningKey, OpenClawError> {
    state.credentials.rotate_signing_key().await
}
