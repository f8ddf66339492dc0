use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ApiKey, KeyParams};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: KeyParams,
) -> Result<ApiKey, OpenClawError> {
    state.credentials.revoke_key(&params.id).await
}
