use std::time::Duration;

use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{IssuedKey, KeysCreateParams};

use crate::GatewayState;
use crate::auth::NewKey;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: KeysCreateParams,
) -> Result<IssuedKey, OpenClawError> {
    let new = NewKey {
        name: params.name,
        scopes: params.scopes,
        expires_in: params.expires_in_ms.map(Duration::from_millis),
    };
    state.credentials.create_key(new, &caller.signed_in()?).await
}
