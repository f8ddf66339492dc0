use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::KeysListResult;

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<KeysListResult, OpenClawError> {
    Ok(KeysListResult { keys: state.credentials.list_keys() })
}
